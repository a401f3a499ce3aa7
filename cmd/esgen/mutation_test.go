package main

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

var (
	mutations    = flag.Int("mutations", 40, "how many random changes TestChangesCalledSafeLoseNothing tries")
	mutationSeed = flag.Uint64("mutation-seed", 0, "its seed; 0 for one of its own")
)

// TestChangesCalledSafeLoseNothing changes events at random, once or twice, and asks esgen for its verdict.
// What the code before stored, the code after must read without loss if the verdict is that the
// change is safe. Where it is not, the test counts in how many cases it finds a stored event that would have
// been lost, and prints that by rule.
func TestChangesCalledSafeLoseNothing(t *testing.T) {
	long(t)
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("needs git, which is what knows what is released")
	}
	t.Parallel()
	seed := *mutationSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("-mutation-seed %d", seed)
	m := &mutator{Rand: rand.New(rand.NewPCG(seed, 0))}
	dir := t.TempDir()
	writeModule(t, dir)
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-c", "user.name=a", "-c", "user.email=a@example.com"}, args...)...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %v: %v\n%s", args, err, out)
		}
	}
	write := func(pkg string, events []*object) {
		writeFile(t, filepath.Join(dir, pkg, "events.go"), mutantFile(pkg, events, nil))
	}
	first := make([]*object, *mutations)
	for i := range first {
		first[i] = m.object(fmt.Sprintf("E%d", i), 0)
	}
	git("init", "--quiet", "--initial-branch=main")
	for {
		write("now", first)
		write("before", first)
		status, _, stderr := esgen(t, dir, "./...")
		if status == 0 {
			break
		}
		wrong := mentioned(stderr)
		if len(wrong) == 0 {
			t.Fatalf("before the changes: %s", stderr)
		}
		for _, i := range wrong { // it is no event that esgen takes
			first[i] = m.object(first[i].name, 0)
		}
	}
	git("add", "--all")
	git("commit", "--quiet", "--message=1")

	// Two changes one after the other; the first is released where it is safe.
	current := slices.Clone(first)
	var released []*object
	verdicts := map[int]string{}
	for round := range 2 {
		changed := make([]*object, len(current))
		for i, e := range current {
			changed[i] = m.mutate(e.clone())
		}
		write("now", changed)
		status, stdout, stderr := esgen(t, dir, "diff", "-rev=HEAD", "./now")
		for status == 2 { // some are no events that esgen takes: they stay as they were
			for _, i := range mentioned(stderr) {
				if changed[i] == current[i] {
					t.Fatalf("esgen diff: %s", stderr)
				}
				changed[i] = current[i]
			}
			write("now", changed)
			status, stdout, stderr = esgen(t, dir, "diff", "-rev=HEAD", "./now")
		}
		verdicts = map[int]string{}
		for line := range strings.Lines(stdout) {
			if match := ruleOf.FindStringSubmatch(line); match != nil && match[3] != "safe" {
				i, _ := strconv.Atoi(match[2])
				verdicts[i] = match[1]
			}
		}
		if round == 0 {
			for i := range changed {
				if verdicts[i] == "" {
					current[i] = changed[i]
				}
			}
			write("now", current)
			if status, _, stderr := esgen(t, dir, "./..."); status != 0 {
				t.Fatalf("after the first change: %s", stderr)
			}
			git("commit", "--quiet", "--all", "--allow-empty", "--message=2")
			released = slices.Clone(current)
			continue
		}
		current = changed
	}
	if status, _, stderr := esgen(t, dir, "-base=none", "./..."); status != 0 {
		t.Fatalf("after the second change: %s", stderr)
	}

	archive, err := txtar.ParseFile("testdata/mutation.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range archive.Files {
		writeFile(t, filepath.Join(dir, f.Name), f.Data)
	}
	writeFile(t, filepath.Join(dir, "events.go"), mutantTable(first, current))
	losses := func() map[int]string {
		cmd := exec.Command("go", "run", ".", strconv.FormatUint(seed, 10))
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOWORK=off")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		lost := map[int]string{}
		for line := range strings.Lines(string(out)) {
			number, what, _ := strings.Cut(strings.TrimSpace(line), " ")
			i, err := strconv.Atoi(number)
			if err != nil {
				t.Fatalf("the program printed %q", line)
			}
			lost[i] = what
		}
		return lost
	}
	lost := losses()
	found, refused := map[string]int{}, map[string]int{}
	for i := range first {
		rule, loss := verdicts[i], lost[i]
		switch {
		case rule == "" && loss != "" && !strings.HasPrefix(loss, likely):
			t.Errorf("a change called safe loses something: %s\nbefore\n%s\nafter\n%s", loss, first[i].source(), current[i].source())
		case rule != "":
			refused[rule]++
			if loss != "" {
				found[rule]++
			}
		}
	}
	t.Logf("%d events, %d of them refused; stored events that would be lost or refused were found by rule:", len(first), len(verdicts))
	for _, rule := range slices.Sorted(maps.Keys(refused)) {
		t.Logf("  %-34s %d of %d", rule, found[rule], refused[rule])
	}

	// What is refused gets a version. Where esgen writes the upcaster, that must lose nothing either.
	git("checkout", "--quiet", "HEAD", "--", "now/esgen.lock")
	bumped := map[int]bool{}
	for i := range verdicts {
		bumped[i] = true
	}
	for {
		writeFile(t, filepath.Join(dir, "now", "events.go"), mutantFile("now", current, bumped))
		status, _, stderr := esgen(t, dir, "./now")
		if status == 0 {
			break
		}
		wrong := slices.DeleteFunc(mentioned(stderr), func(i int) bool { return !bumped[i] })
		if len(wrong) == 0 {
			t.Fatalf("with versions: %s", stderr)
		}
		for _, i := range wrong { // it needs a function
			delete(bumped, i)
			current[i] = released[i]
		}
	}
	for i, loss := range losses() {
		if bumped[i] && loss != likely {
			t.Errorf("an upcaster that esgen writes loses something: %s\nbefore\n%s\nafter\n%s", loss, first[i].source(), current[i].source())
		}
	}
	t.Logf("esgen wrote the upcasters of %d of those that were refused", len(bumped))
}

var (
	ruleOf    = regexp.MustCompile(`: (EVENT_\w+) order\.e(\d+)\b.*?(safe|needs a version bump|needs an upcaster)`)
	typeNames = regexp.MustCompile(`\bE(\d+)(?:N\d+)?\b`)
)

// likely begins the losses of what a person might mean by a field that is called otherwise in Go and in JSON, and that
// the rules may take for another field.
const likely = "likely"

// mentioned returns the numbers of the events that a text names.
func mentioned(text string) []int {
	var all []int
	for _, match := range typeNames.FindAllStringSubmatch(text, -1) {
		i, _ := strconv.Atoi(match[1])
		all = append(all, i)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// object is a struct type, member one of its fields, and value a type.
type object struct {
	name    string
	members []*member
	gone    []string // names in JSON that fields had which were removed
}

type member struct {
	id, from     int // what stays the same whatever it is called, and what a person might take it for
	embedded     bool
	goName, name string
	value        *value
	option       string // "", omitempty or omitzero
	quoted       bool
	fallback     string   // esgen:"default=…"
	had          []string // the defaults of earlier releases
	was          []string
}

type value struct {
	kind string // a Go type, or one of * [] [3] map enum struct
	elem *value
	enum []constant
	base string // of an enum: string or int8
	of   *object
}

// constant is a value of an enum; the number of one of strings is its letter.
type constant struct {
	name    string
	number  int
	meaning string
}

// mutator makes and changes events at random.
type mutator struct {
	*rand.Rand
	names int
}

func pick[T any](m *mutator, of ...T) T { return of[m.IntN(len(of))] }

var scalars = []string{"bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64", "string", "[]byte", "time.Time", "uuid.UUID", "json.Number"}

func (m *mutator) object(name string, depth int) *object {
	o := &object{name: name}
	for range 1 + m.IntN(4) {
		o.members = append(o.members, m.member(o, depth))
	}
	return o
}

func (m *mutator) member(o *object, depth int) *member {
	m.names++
	f := &member{id: m.names, goName: fmt.Sprintf("F%d", m.names), name: fmt.Sprintf("f%d", m.names)}
	f.value = m.value(o, depth) // which may have members of its own
	f.option = pick(m, "", "", "", "omitempty", "omitzero")
	if f.option == "" && m.IntN(4) == 0 {
		f.fallback = m.fallback(f.value)
	}
	f.quoted = m.IntN(12) == 0 && slices.Contains(scalars[:11], f.value.kind)
	return f
}

func (m *mutator) value(o *object, depth int) *value {
	switch m.IntN(12) {
	case 0:
		return &value{kind: "*", elem: m.value(o, depth)}
	case 1:
		return &value{kind: "[]", elem: m.value(o, depth)}
	case 2:
		return &value{kind: "[3]", elem: m.value(o, depth)}
	case 3:
		return &value{kind: pick(m, mapTypes...), elem: m.value(o, depth)}
	case 4:
		m.names++
		return &value{kind: "enum", of: &object{name: fmt.Sprintf("%sN%d", o.name, m.names)}, base: pick(m, "string", "int8"), enum: constants(1 + m.IntN(3))}
	case 5, 6:
		if depth < 2 {
			m.names++
			return &value{kind: "struct", of: m.object(fmt.Sprintf("%sN%d", o.name, m.names), depth+1)}
		}
	}
	return &value{kind: pick(m, scalars...)}
}

var mapTypes = []string{"map[string]", "map[int64]", "map[int32]", "map[uint8]"}

func constants(n int) []constant {
	return []constant{{"A", 1, "A"}, {"B", 2, "B"}, {"C", 3, "C"}, {"D", 4, "D"}}[:n]
}

// fallback returns a default that fits, "" for types that take none.
func (m *mutator) fallback(v *value) string {
	switch v.kind {
	case "bool":
		return pick(m, "true", "false")
	case "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64":
		return pick(m, "0", "1", "7")
	case "float32", "float64":
		return pick(m, "0", "1.5", "2")
	case "string":
		return pick(m, "x", "EUR")
	}
	return ""
}

// mutate changes an object in one place, at any depth.
func (m *mutator) mutate(o *object) *object {
	inner := o.objects()
	for _, at := range inner {
		for _, f := range at.members {
			if f.fallback != "" && !slices.Contains(f.had, f.fallback) {
				f.had = append(slices.Clone(f.had), f.fallback)
			}
		}
	}
	o.change(m, pick(m, inner...))
	return o
}

func (o *object) change(m *mutator, at *object) {
	i := m.IntN(len(at.members))
	f := at.members[i]
	kind := m.IntN(27)
	if f.embedded && !slices.Contains([]int{0, 1, 2, 16, 21, 22}, kind) {
		return // it has neither a name nor a type of its own
	}
	switch kind {
	case 17, 18, 19: // the constants of an enum: two change places, one is gone, one comes before the others
		v := f.value
		for v.elem != nil {
			v = v.elem
		}
		if v.kind != "enum" {
			return
		}
		v.enum = slices.Clone(v.enum)
		switch k := m.IntN(len(v.enum)); m.IntN(4) {
		case 0:
			v.enum[0].number, v.enum[k].number = v.enum[k].number, v.enum[0].number
		case 1:
			v.enum = slices.Delete(v.enum, k, k+1)
		case 2:
			m.names++
			for i := range v.enum {
				v.enum[i].number++
			}
			v.enum = append(v.enum, constant{fmt.Sprintf("N%d", m.names), 1, fmt.Sprintf("N%d", m.names)})
		case 3:
			m.names++
			v.enum[k].name = fmt.Sprintf("R%d", m.names)
		}
		if len(v.enum) == 0 {
			v.enum = constants(1)
		}
	case 20: // the keys of a map
		for v := f.value; v != nil; v = v.elem {
			if strings.HasPrefix(v.kind, "map") {
				v.kind = pick(m, mapTypes...)
			}
		}
	case 21: // into a struct that is embedded, by value or by pointer
		if f.embedded {
			f.value = &value{kind: "struct", of: f.value.of}
			if m.IntN(2) == 0 {
				f.value = &value{kind: "*", elem: f.value}
			}
			return
		}
		m.names++
		within := &value{kind: "struct", of: &object{name: fmt.Sprintf("%sN%d", o.name, m.names), members: []*member{f}}}
		if m.IntN(2) == 0 {
			within = &value{kind: "*", elem: within}
		}
		at.members[i] = &member{id: m.names, embedded: true, value: within}
	case 22: // out of it
		if f.embedded {
			for f.value.elem != nil {
				f.value = f.value.elem
			}
			at.members = slices.Replace(at.members, i, i+1, f.value.of.members...)
		}
	case 23: // a former name is forgotten, or two fields exchange their tags
		if len(f.was) > 0 {
			f.was = f.was[1:]
		} else if g := pick(m, at.members...); !f.embedded && !g.embedded && g != f && f.value.expr() == g.value.expr() {
			f.goName, g.goName, f.id, g.id = g.goName, f.goName, g.id, f.id
		}
	case 0, 1:
		added := m.member(o, 2)
		if len(at.gone) > 0 && m.IntN(2) == 0 {
			added.name = pick(m, at.gone...)
		}
		at.members = append(at.members, added)
	case 2:
		if len(at.members) > 1 {
			at.members = slices.Delete(at.members, i, i+1)
			at.gone = append(at.gone, f.name)
		}
	case 3: // the name in JSON
		m.names++
		f.name = fmt.Sprintf("f%d", m.names)
	case 4: // and so said
		m.names++
		f.was, at.gone = append(f.was, f.name), append(at.gone, f.name)
		f.name = fmt.Sprintf("f%d", m.names)
	case 24: // to the name of another, which is renamed in its turn, and both so said
		if g := pick(m, at.members...); g != f && !g.embedded {
			m.names++
			f.was, g.was = append(f.was, f.name), append(g.was, g.name)
			f.name, g.name = g.name, fmt.Sprintf("f%d", m.names)
		}
	case 25: // to one that says that it was another, be that there or gone
		if others := slices.DeleteFunc(at.names(), func(name string) bool { return name == f.name || slices.Contains(f.was, name) }); len(others) > 0 {
			f.was = append(f.was, pick(m, others...))
		}
	case 26: // from one object into another that was there before, which may be one of a list
		if to := pick(m, o.objects()...); to != at && len(at.members) > 1 && !slices.Contains(within(f), to) {
			at.members = slices.Delete(at.members, i, i+1)
			at.gone = append(at.gone, f.name)
			to.members = append(to.members, f)
		}
	case 5: // both names
		m.names++
		f.goName, f.name = fmt.Sprintf("F%d", m.names), fmt.Sprintf("f%d", m.names)
		f.from, f.id = f.id, m.names
	case 6: // the name in Go
		m.names++
		f.goName = fmt.Sprintf("F%d", m.names)
	case 7, 8:
		f.value, f.fallback, f.quoted = &value{kind: pick(m, scalars...)}, "", false
	case 9: // to a neighbour among the numbers
		if j := slices.Index(scalars, f.value.kind); j >= 1 && j < 11 {
			f.value = &value{kind: scalars[min(max(j+pick(m, -4, -1, 1, 4), 1), 10)]}
			f.fallback = ""
		}
	case 10:
		f.option, f.fallback = pick(m, "", "omitempty", "omitzero"), ""
	case 11:
		f.option, f.fallback = "", m.fallback(f.value)
	case 12:
		if f.value.kind == "*" {
			f.value = f.value.elem
		} else {
			f.value, f.fallback, f.quoted = &value{kind: "*", elem: f.value}, "", false
		}
	case 13:
		f.value, f.fallback, f.quoted = &value{kind: pick(m, "[]", "[3]", "map[string]"), elem: f.value}, "", false
	case 14:
		if f.value.kind == "enum" {
			if m.IntN(2) == 0 {
				f.value.enum = constants(1 + m.IntN(4))
			} else {
				f.value = &value{kind: f.value.base}
			}
		}
	case 15: // into an object of its own
		m.names++
		within := &object{name: fmt.Sprintf("%sN%d", o.name, m.names), members: []*member{f}}
		m.names++
		at.members[i] = &member{id: m.names, goName: fmt.Sprintf("F%d", m.names), name: fmt.Sprintf("f%d", m.names), value: &value{kind: pick(m, "struct", "struct"), of: within}, option: pick(m, "", "omitzero")}
	case 16:
		m.Shuffle(len(at.members), func(i, j int) { at.members[i], at.members[j] = at.members[j], at.members[i] })
	}
}

// objects returns the object and all within it.
func (o *object) objects() []*object {
	all := []*object{o}
	for _, f := range o.members {
		for v := f.value; v != nil; v = v.elem {
			if v.kind == "struct" {
				all = append(all, v.of.objects()...)
			}
		}
	}
	return all
}

// within returns the objects that a member holds.
func within(f *member) []*object {
	holder := &object{members: []*member{f}}
	return holder.objects()[1:]
}

// names returns the names in JSON that members have and had.
func (o *object) names() []string {
	all := slices.Clone(o.gone)
	for _, f := range o.members {
		if !f.embedded {
			all = append(all, f.name)
		}
	}
	return all
}

func (o *object) clone() *object {
	c := &object{name: o.name, gone: slices.Clone(o.gone)}
	for _, f := range o.members {
		g := *f
		g.value, g.was = f.value.clone(), slices.Clone(f.was)
		c.members = append(c.members, &g)
	}
	return c
}

func (v *value) clone() *value {
	if v == nil {
		return nil
	}
	c := &value{kind: v.kind, elem: v.elem.clone(), enum: slices.Clone(v.enum), base: v.base, of: v.of}
	if v.kind == "struct" {
		c.of = v.of.clone()
	}
	return c
}

// source returns the Go declarations.
func (o *object) source() string {
	var b strings.Builder
	fmt.Fprintf(&b, "type %s struct {\n", o.name)
	var inner []*value
	for _, f := range o.members {
		for v := f.value; v != nil; v = v.elem {
			if v.of != nil {
				inner = append(inner, v)
			}
		}
		if f.embedded {
			fmt.Fprintf(&b, "\t%s\n", f.value.expr())
			continue
		}
		tag := f.name
		if f.option != "" {
			tag += "," + f.option
		}
		if f.quoted {
			tag += ",string"
		}
		text := fmt.Sprintf("json:%q", tag)
		var own []string
		for _, was := range f.was {
			own = append(own, "was="+was)
		}
		if f.fallback != "" {
			own = append(own, "default="+f.fallback)
		}
		if len(own) > 0 {
			text += fmt.Sprintf(" esgen:%q", strings.Join(own, ","))
		}
		fmt.Fprintf(&b, "\t%s %s `%s id:\"%d\" from:\"%d\" had:\"%s\"`\n", f.goName, f.value.expr(), text, f.id, f.from, strings.Join(f.had, ","))
	}
	b.WriteString("}\n\n")
	for _, v := range inner {
		if v.kind == "struct" {
			b.WriteString(v.of.source())
			continue
		}
		fmt.Fprintf(&b, "type %s %s\n\nconst (\n", v.of.name, v.base)
		for _, e := range v.enum {
			fmt.Fprintf(&b, "\t%s%s %[1]s = %[3]s\n", v.of.name, e.name, e.literal(v.base))
		}
		// Meaning tells apart two constants that had one value one after the other.
		fmt.Fprintf(&b, ")\n\nfunc (v %s) Meaning() string {\n\tswitch v {\n", v.of.name)
		for _, e := range v.enum {
			fmt.Fprintf(&b, "\tcase %s%s:\n\t\treturn %q\n", v.of.name, e.name, e.meaning)
		}
		b.WriteString("\t}\n\treturn \"\"\n}\n\n")
	}
	return b.String()
}

func (c constant) literal(base string) string {
	if base == "string" {
		return strconv.Quote(string(rune('a' + c.number - 1)))
	}
	return strconv.Itoa(c.number)
}

func (v *value) expr() string {
	switch {
	case v.elem != nil:
		return v.kind + v.elem.expr()
	case v.of != nil:
		return v.of.name
	}
	return v.kind
}

// mutantFile returns a package with the events, some in their second version.
func mutantFile(pkg string, events []*object, second map[int]bool) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "package %s\n\nimport (\n\t\"encoding/json\"\n\t\"time\"\n\n\t\"github.com/google/uuid\"\n\n\t\"github.com/esgen-go/esgen/aggregate\"\n)\n\n", pkg)
	b.WriteString("var (\n\t_ json.Number\n\t_ time.Time\n\t_ uuid.UUID\n)\n\n//esgen:aggregate\ntype Order struct {\n\taggregate.Root\n}\n\n")
	for i, e := range events {
		b.WriteString("//esgen:event")
		if second[i] {
			b.WriteString(" version=2")
		}
		fmt.Fprintf(&b, "\n%sfunc (o *Order) apply%s(e %[2]s) {}\n\n", e.source(), e.name)
	}
	return b.Bytes()
}

// mutantTable returns the table of the types before.
func mutantTable(first, current []*object) []byte {
	var b bytes.Buffer
	b.WriteString("package main\n\nimport (\n\t\"example.com/app/before\"\n)\n\nvar events = []any{\n")
	for _, e := range first {
		fmt.Fprintf(&b, "\tbefore.%s{},\n", e.name)
	}
	b.WriteString("}\n")
	return b.Bytes()
}
