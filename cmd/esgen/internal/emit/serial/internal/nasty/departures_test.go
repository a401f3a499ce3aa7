package nasty

import (
	"encoding/json"
	"errors"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"github.com/esgen-go/esgen/cmd/esgen/internal/emit/serial/internal/other"
	"github.com/esgen-go/esgen/es/codec"
)

// refusals are texts that are refused though v1 accepts them, and whether v2 does, too, with the
// options that give it v1's mapping of types.
var refusals = []struct {
	departure string
	subject   string
	text      string
	is        error
	v2Accepts bool
}{
	{"Duplicate names", "Loose", `{"l":[],"n":1,"n":2}`, codec.ErrDuplicateName, false},
	{"Duplicate names", "Loose", `{"l":[],"n":1,"\u006e":2}`, codec.ErrDuplicateName, false},
	{"Duplicate names", "Loose", `{"l":[],"n":1,"x":{"y":1,"y":2}}`, codec.ErrDuplicateName, false},
	{"Two names for one key", "IDs", `{"m":{"0192f3a4-5b6c-7d8e-9f01-23456789abcd":1,"0192F3A4-5B6C-7D8E-9F01-23456789ABCD":2}}`, codec.ErrDuplicateName, false},
	{"Invalid UTF-8", "Text", "{\"s\":\"\xff\"}", codec.ErrInvalidUTF8, false},
	{"Invalid UTF-8", "Text", "{\"s\":\"\",\"\xff\":1}", codec.ErrInvalidUTF8, false},
	{"Lone surrogates", "Text", `{"s":"\ud800"}`, codec.ErrInvalidUTF8, false},
	{"Names in another case", "Text", `{"S":""}`, codec.ErrMissing, true},
	{"Sloppy times", "Moment", `{"t":"2024-01-01T0:00:00Z"}`, codec.ErrFormat, false},
	{"Sloppy times", "Moment", `{"t":"2024-01-01T00:00:00,5Z"}`, codec.ErrFormat, false},
	{"Sloppy times", "Moment", `{"t":"2024-01-01T00:00:00+24:00"}`, codec.ErrFormat, false},
	{"Line breaks in base64", "Blob", `{"b":"AA\nAA"}`, codec.ErrFormat, false},
	{"Arrays of another length", "Two", `{"a":[1]}`, codec.ErrLength, false},
	{"Arrays of another length", "Two", `{"a":[1,2,3]}`, codec.ErrLength, false},
	{"Bytes as an array of numbers", "Blob", `{"b":[1,2]}`, codec.ErrType, true},
	{"A required field is missing", "Text", `{}`, codec.ErrMissing, true},
	{"Null for what is required", "Text", `{"s":null}`, codec.ErrNull, true},
	{"Null for what is required", "Loose", `{"l":[null],"n":1}`, codec.ErrNull, true},
	{"Sloppy values in quotes", "Quote", `{"i":"\u0031"}`, codec.ErrSyntax, true},
	{"Sloppy values in quotes", "Quote", `{"i":"null"}`, codec.ErrNull, true},
	{"A json.Number in quotes", "Count", `{"n":"1"}`, codec.ErrType, true},
	{"Integers as names in another form", "Ints", `{"m":{"+1":1}}`, codec.ErrFormat, true},
	{"Integers as names in another form", "Ints", `{"m":{"01":1}}`, codec.ErrFormat, true},
	{"A time as a name in another form", "Times", `{"m":{"2024-01-01T0:00:00Z":1}}`, codec.ErrFormat, false},
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	for _, c := range refusals {
		t.Run(c.departure, func(t *testing.T) {
			t.Parallel()
			i := slices.IndexFunc(plain, func(s subject) bool { return s.name == c.subject })
			s := plain[i]
			err := s.decode([]byte(c.text), s.fresh())
			if !errors.Is(err, c.is) {
				t.Errorf("%s: %v, want %v", c.text, err, c.is)
			}
			if err := json.Unmarshal([]byte(c.text), s.fresh()); err != nil {
				t.Errorf("v1 refuses %s, too: %v", c.text, err)
			}
			if err := jsonv2.Unmarshal([]byte(c.text), s.fresh(), v2); (err == nil) != c.v2Accepts {
				t.Errorf("v2 on %s: %v", c.text, err)
			}
		})
	}
}

// plain are the types of refusals.
var plain = []subject{
	subjectOf(appendLoose, decodeLoose),
	subjectOf(appendIDs, decodeIDs),
	subjectOf(appendText, decodeText),
	subjectOf(appendMoment, decodeMoment),
	subjectOf(appendBlob, decodeBlob),
	subjectOf(appendTwo, decodeTwo),
	subjectOf(appendQuote, decodeQuote),
	subjectOf(appendCount, decodeCount),
	subjectOf(appendInts, decodeInts),
	subjectOf(appendTimes, decodeTimes),
}

// others are departures that are no refusals of a text.
var others = map[string]func(t *testing.T){
	"Null for an optional field": func(t *testing.T) {
		v := Optional{I: 5}
		if err := decodeOptional([]byte(`{"i":null,"a":[1,2],"st":{"street":"","city":"","zip":"","country":""},"t":"2024-01-01T00:00:00Z","u":"`+uuid.Nil.String()+`"}`), &v); err != nil || v.I != 0 {
			t.Error(v.I, err)
		}
	},
	"Defaults": func(t *testing.T) {
		var v Defaults
		if err := decodeDefaults([]byte(`{"i":null,"u":3,"r":1}`), &v); err != nil {
			t.Fatal(err)
		}
		if want := (Defaults{S: `EUR, or "so"`, I: -5, U: 3, F: 1000, G: 0.1, B: true, K: "x", Q: 7, R: 1}); v != want {
			t.Errorf("got %+v, want %+v", v, want)
		}
	},
	"Zones of times": func(t *testing.T) {
		_, offset := time.Now().Zone()
		text := time.Now().In(time.FixedZone("", offset+3600)).Format(`{"t":"2006-01-02T15:04:05Z07:00"}`)
		var v Moment
		if err := decodeMoment([]byte(text), &v); err != nil || v.T.Location().String() != "" && v.T.Location() != time.UTC {
			t.Error(v.T.Location(), err)
		}
	},
	"Nothing is merged": func(t *testing.T) {
		v := Loose{L: []int{1, 2, 3}, N: 5}
		if err := decodeLoose([]byte(`{"l":null,"n":1}`), &v); err != nil || v.L != nil {
			t.Error(v, err)
		}
		a := Account{Owner: "old", closed: new(time.Time)}
		a.onChange = func(string) {}
		if err := decodeAccountState([]byte(`{"Owner":"new","balance":1,"History":null,"limits":null,"anon":{"a":1,"B":2},"entry":{"at":"2024-01-01T00:00:00Z","Amount":{"minor":1,"currency":""}}}`), &a); err != nil {
			t.Fatal(err)
		}
		if a.Owner != "new" || a.closed != nil || a.onChange == nil {
			t.Error("a state's own fields are replaced, the others kept")
		}
	},
	"Invalid UTF-8 in a string": func(t *testing.T) {
		_, err := appendText(nil, &Text{"\xff"})
		wantEncodeError(t, err, codec.ErrInvalidUTF8, "s")
	},
	"Bad output of a marshaling method": func(t *testing.T) {
		for _, text := range []string{`{"a":1,"a":2}`, "\"\xff\""} {
			_, err := appendStrings(nil, &Strings{Raw: json.RawMessage(text)})
			wantEncodeError(t, err, codec.ErrSyntax, "Raw")
		}
	},
	"Two keys with one name": func(t *testing.T) {
		at := time.Date(2024, 1, 1, 0, 0, 0, 0, time.FixedZone("", 60))
		_, err := appendTimes(nil, &Times{map[time.Time]int{at: 1, at.In(time.FixedZone("", 60)): 2}})
		wantEncodeError(t, err, codec.ErrDuplicateName, `m["2024-01-01T00:00:00+00:01"]`)
	},
	"Recursion beyond 9,000 levels": func(t *testing.T) {
		chain := func(n int) *Node {
			root := &Node{}
			for range n - 1 {
				root = &Node{Next: root}
			}
			return root
		}
		text, err := appendNode(nil, chain(codec.MaxRecursion))
		if err != nil {
			t.Fatal(err)
		}
		if err := decodeNode(text, new(Node)); err != nil {
			t.Fatal(err)
		}
		if _, err := appendNode(nil, chain(codec.MaxRecursion+1)); !errors.Is(err, codec.ErrDepth) {
			t.Error(err)
		}
		cycle := &Node{}
		cycle.Next = cycle
		if _, err := appendNode(nil, cycle); !errors.Is(err, codec.ErrDepth) {
			t.Error(err)
		}
	},
	"Methods in maps": func(t *testing.T) {
		v := Maps{Codes: map[string]other.Code{"a": other.NewCode("x")}, Color: map[other.Color]int{"red": 1}}
		got, err := appendMaps(nil, &v)
		if err != nil || !strings.Contains(string(got), `"Codes":{"a":"#x"}`) || !strings.Contains(string(got), `"Color":{"RED":1}`) {
			t.Errorf("%s, %v", got, err)
		}
		want, err := marshalV1(&v)
		if err != nil || !strings.Contains(string(want), `"Codes":{"a":{}}`) || !strings.Contains(string(want), `"Color":{"red":1}`) {
			t.Errorf("v1: %s, %v", want, err)
		}
	},
}

func wantEncodeError(t *testing.T, err, is error, path string) {
	t.Helper()
	var e *codec.Error
	if !errors.As(err, &e) || !errors.Is(err, is) || e.Path != path {
		t.Errorf("got %v, want %v at %s", err, is, path)
	}
}

func TestDepartures(t *testing.T) {
	t.Parallel()
	for name, test := range others {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t)
		})
	}
}

func TestEveryListedDepartureIsTested(t *testing.T) {
	t.Parallel()
	list, err := os.ReadFile("../../../../../../../es/codec/DEPARTURES.md")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^- \*\*([^*]+)\*\*`).FindAllStringSubmatch(string(list), -1) {
		listed[m[1]] = true
	}
	tested := map[string]bool{}
	for _, c := range refusals {
		tested[c.departure] = true
	}
	for name := range others {
		tested[name] = true
	}
	for name := range listed {
		if !tested[name] {
			t.Errorf("%q is not tested", name)
		}
	}
	for name := range tested {
		if !listed[name] {
			t.Errorf("%q is not listed", name)
		}
	}
}
