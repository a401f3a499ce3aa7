package codec_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/esgen-go/esgen/es/codec"
)

// order has lists and pointers in its lines, and is decoded by hand as generated code does it.
type order struct{ Lines []line }

type line struct {
	Tags  []string
	Count *int64
	Parts []line
}

var (
	fieldsOfOrder = codec.NewFields("lines")
	fieldsOfLine  = codec.NewFields("tags", "count", "parts")
)

func decodeOrder(data []byte) (*order, error) {
	d := codec.NewDecoder(data)
	v := new(order)
	for field := d.Struct(fieldsOfOrder); field >= 0; field = d.Search(fieldsOfOrder, field) {
		readLines(&d, &v.Lines)
	}
	return v, d.End()
}

func readLines(d *codec.Decoder, v *[]line) {
	items := codec.List[line](d, '{')
	for more := d.Array(); more; more = d.More() {
		items = codec.Extend(items)
		readLine(d, &items[len(items)-1])
	}
	*v = codec.Listed(d, items)
}

func readLine(d *codec.Decoder, v *line) {
	for field := d.Struct(fieldsOfLine); field >= 0; field = d.Search(fieldsOfLine, field) {
		if d.Field(field, 0, `,"tags":`) {
			items := codec.List[string](d, 0)
			for more := d.Array(); more; more = d.More() {
				items = append(items, d.String())
			}
			v.Tags = codec.Listed(d, items)
		}
		if d.Field(field, 1, `,"count":`) {
			v.Count = codec.New[int64](d)
			*v.Count = d.Int64()
		}
		if d.Field(field, 2, `,"parts":`) {
			readLines(d, &v.Parts)
		}
	}
}

// orderText has n lines with i%5 tags and, in every third line, parts of the same type.
func orderText(n int) string {
	var lines []string
	for i := range n {
		var tags []string
		for k := range i % 5 {
			tags = append(tags, fmt.Sprintf(`"t%d,%d"`, i, k))
		}
		parts := ""
		if i%3 == 0 {
			parts = fmt.Sprintf(`,"parts":[{"tags":["p%d"],"count":%d},{"tags":[],"count":-1,"parts":[]}]`, i, -i)
		}
		lines = append(lines, fmt.Sprintf(`{"tags":[%s],"count":%d%s}`, strings.Join(tags, ","), i, parts))
	}
	return `{"lines":[` + strings.Join(lines, ",") + `]}`
}

func checkOrder(t *testing.T, v *order, n int) {
	t.Helper()
	if len(v.Lines) != n {
		t.Fatalf("%d lines, want %d", len(v.Lines), n)
	}
	for i, l := range v.Lines {
		var tags []string
		for k := range i % 5 {
			tags = append(tags, fmt.Sprintf("t%d,%d", i, k))
		}
		if !slices.Equal(l.Tags, tags) || l.Tags == nil || *l.Count != int64(i) {
			t.Errorf("line %d: %q %d", i, l.Tags, *l.Count)
		}
		if i%3 != 0 {
			continue
		}
		p := l.Parts
		if len(p) != 2 || !slices.Equal(p[0].Tags, []string{fmt.Sprintf("p%d", i)}) || *p[0].Count != int64(-i) || *p[1].Count != -1 || p[1].Parts == nil {
			t.Errorf("line %d: parts %v", i, p)
		}
	}
}

func TestListsAndPointersOfOneTextAreApart(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 2, 3, 4, 5, 8, 40, 300, 1000} {
		v, err := decodeOrder([]byte(orderText(n)))
		if err != nil {
			t.Fatal(err)
		}
		checkOrder(t, v, n)
		// Whatever is done to one must not be seen in another.
		for i := range v.Lines {
			_ = append(v.Lines[i].Tags, "appended")
			_ = append(v.Lines[i].Parts, line{Tags: []string{"appended"}})
		}
		checkOrder(t, v, n)
		for i := range v.Lines {
			*v.Lines[i].Count += 1000
		}
		for i := range v.Lines {
			*v.Lines[i].Count -= 1000
		}
		checkOrder(t, v, n)
	}
}

func TestPointersPointToZeroValues(t *testing.T) {
	t.Parallel()
	d := codec.NewDecoder([]byte(strings.Repeat(" ", 1000)))
	seen := map[*int64]bool{}
	for range 1000 {
		p := codec.New[int64](&d)
		if *p != 0 || seen[p] {
			t.Fatalf("%d, given out before: %v", *p, seen[p])
		}
		*p, seen[p] = 7, true
		list := append(codec.List[int64](&d, 0), 7)
		codec.Listed(&d, list)
	}
}

func TestManyListsTakeFewAllocations(t *testing.T) {
	var lines []string
	for i := range 36 {
		lines = append(lines, fmt.Sprintf(`{"tags":["kitchen","outdoor"],"count":%d}`, i))
	}
	text := []byte(`{"lines":[` + strings.Join(lines, ",") + `]}`)
	allocs := testing.AllocsPerRun(100, func() {
		if _, err := decodeOrder(text); err != nil {
			t.Fatal(err)
		}
	})
	// The value, the strings, the lines, their tags, and their counts.
	if allocs > 5 {
		t.Errorf("%v allocations, want at most 5", allocs)
	}
}

// A list that is kept keeps what it shares memory with. That must not be much.
func TestAListKeepsLittleElseInMemory(t *testing.T) {
	t.Parallel()
	const most = 2 << 10
	v, err := decodeOrder([]byte(orderText(1000)))
	if err != nil {
		t.Fatal(err)
	}
	var last uintptr
	run := 0
	for _, l := range v.Lines {
		if len(l.Tags) == 0 {
			continue
		}
		// Lists that follow each other without a gap may be of one piece.
		size := len(l.Tags) * int(unsafe.Sizeof(""))
		if at := uintptr(unsafe.Pointer(unsafe.SliceData(l.Tags))); at == last {
			run += size
		} else {
			run = size
		}
		last = uintptr(unsafe.Pointer(unsafe.SliceData(l.Tags))) + uintptr(size)
		if run > 2*most { // two pieces may lie side by side
			t.Fatalf("lists of %d bytes share memory, want at most %d", run, most)
		}
	}
}

// A wrong guess of how many elements there are must not be kept with those that there are.
func TestAListForWhichFarTooMuchWasReservedIsCopied(t *testing.T) {
	t.Parallel()
	type line struct{ words [16]int64 }
	d := codec.NewDecoder([]byte(`[{"name":"` + strings.Repeat("{", 200) + `"}]`))
	list := codec.List[line](&d, '{')
	if cap(list) < 100 {
		t.Fatalf("room for %d elements: the text is to mislead", cap(list))
	}
	list = codec.Extend(list)
	list[0].words[3] = 7
	out := codec.Listed(&d, list)
	if len(out) != 1 || cap(out) != 1 || out[0] != list[0] || &out[0] == &list[0] {
		t.Errorf("the list has %d of %d elements, in the memory that was reserved: %t", len(out), cap(out), &out[0] == &list[0])
	}
}
