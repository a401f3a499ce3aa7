package lock

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/problem"
	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

// Read reads the lock of the package in a folder. A package without a lock has an empty one.
// What is wrong with the files is added to the problems.
func Read(dir string, problems *problem.List) (*Lock, error) {
	l := &Lock{Dir: filepath.Join(dir, Dir)}
	entries, err := os.ReadDir(l.Dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("reading the schema lock: %w", err)
	}
	for _, entry := range entries {
		if entry.IsDir() || !IsFile(entry.Name()) {
			continue
		}
		path := filepath.Join(l.Dir, entry.Name())
		data, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("reading the schema lock: %w", err)
		}
		if e := Parse(path, data, problems); e != nil {
			l.Events = append(l.Events, e)
		}
	}
	l.sort(problems)
	return l, nil
}

// IsFile reports whether a file in the folder is the lock of an event, by its name.
func IsFile(name string) bool {
	return strings.HasSuffix(name, ".json") && !strings.HasPrefix(name, ".")
}

// Newer reports whether a file is in a format that this package doesn't know.
func Newer(data []byte) bool {
	var file struct{ Format int }
	return json.Unmarshal(data, &file) == nil && file.Format > Format
}

// New returns a lock of events that were read on their own.
func New(dir string, events []*Event, problems *problem.List) *Lock {
	l := &Lock{Dir: dir, Events: events}
	l.sort(problems)
	return l
}

// sort sorts the events and reports those that are there twice, or in a file that is not theirs.
func (l *Lock) sort(problems *problem.List) {
	slices.SortStableFunc(l.Events, func(a, b *Event) int { return strings.Compare(a.Name, b.Name) })
	kept := l.Events[:0]
	for _, e := range l.Events {
		want := FileName(e.Name)
		if len(kept) > 0 && kept[len(kept)-1].Name == e.Name {
			first := kept[len(kept)-1]
			one, other := e, first
			if filepath.Base(one.Pos.Filename) == want {
				one, other = first, e
			}
			problems.Add(one.Pos, fmt.Sprintf("event %s is locked in %s too: remove the file that is not its own, which is %s",
				e.Name, filepath.Base(other.Pos.Filename), want))
			continue
		}
		if filepath.Base(e.Pos.Filename) != want {
			problems.Add(e.Pos, fmt.Sprintf("the lock of event %s is in the wrong file: rename that to %s", e.Name, want))
		}
		kept = append(kept, e)
	}
	l.Events = kept
}

// Parse reads the file of one event. It returns nil if anything is wrong with it, which is added to the
// problems.
func Parse(path string, data []byte, problems *problem.List) *Event {
	src := source{path, data}
	e, err := parseEvent(src)
	if err == nil {
		return e
	}
	pos := token.Position{Filename: path, Line: 1, Column: 1}
	if f, ok := errors.AsType[*failure](err); ok {
		pos = src.position(f.at)
	}
	problems.Add(pos, "reading the schema lock: "+err.Error())
	return nil
}

func parseEvent(src source) (*Event, error) {
	root, err := src.parse()
	if err != nil {
		return nil, err
	}
	// First of all, since another format may look different.
	format := 0
	for _, m := range root.members {
		if m.name == "format" {
			if err := m.value.number("the format", &format); err != nil {
				return nil, err
			}
			if format > Format {
				return nil, failf(m.value.at, "its format is %d, and this esgen reads up to %d: update esgen", format, Format)
			}
		}
	}
	if root.value == json.Delim('{') && format == 0 {
		return nil, failf(root.at, "it has no format: restore the file, git has it")
	}
	e := &Event{Pos: src.position(root.at)}
	err = root.object("the lock", map[string]func(*node) error{
		"format": func(*node) error { return nil },
		"event": func(n *node) error {
			e.Pos = src.position(n.at)
			return n.text("event", &e.Name)
		},
		"category":  func(n *node) error { return n.text("category", &e.Category) },
		"aggregate": func(n *node) error { return n.text("aggregate", &e.Aggregate) },
		"versions": func(n *node) error {
			return n.array("versions", func(n *node) error {
				v, err := parseVersion(src, n)
				if err != nil {
					return err
				}
				if len(e.Versions) > 0 && e.Last().Schema >= v.Schema {
					return failf(n.at, "version %d follows version %d: versions ascend", v.Schema, e.Last().Schema)
				}
				e.Versions = append(e.Versions, v)
				return nil
			})
		},
	})
	switch {
	case err != nil:
		return nil, err
	case e.Name == "" || e.Category == "" || e.Aggregate == "":
		return nil, failf(root.at, "it lacks the event's name, category or aggregate: restore the file, git has it")
	case len(e.Versions) == 0:
		return nil, failf(root.at, "event %s has no versions: restore the file, git has it", e.Name)
	}
	return e, nil
}

func parseVersion(src source, n *node) (*Version, error) {
	v := &Version{Pos: src.position(n.at)}
	state := ""
	types := table{}
	var fields, reserved, typ *node
	keep := func(to **node) func(*node) error {
		return func(n *node) error { *to = n; return nil }
	}
	err := n.object("a version", map[string]func(*node) error{
		"version":  func(n *node) error { return n.number("version", &v.Schema) },
		"state":    func(n *node) error { return n.text("state", &state) },
		"released": func(n *node) error { return n.flag("released", &v.Released) },
		"allow": func(n *node) error {
			return n.array("allow", func(n *node) error {
				v.Allow = append(v.Allow, "")
				return n.text("an exception", &v.Allow[len(v.Allow)-1])
			})
		},
		"go": func(n *node) error { return n.text("go", &v.Go) },
		"upcast": func(n *node) error {
			v.Upcast = &Step{}
			return n.object("upcast", map[string]func(*node) error{
				"func": func(n *node) error { return n.text("func", &v.Upcast.Func) },
				"to":   func(n *node) error { return n.text("to", &v.Upcast.To) },
			})
		},
		"fields": keep(&fields), "reserved": keep(&reserved), "type": keep(&typ),
		"types": func(n *node) error {
			if n.value != json.Delim('{') {
				return failf(n.at, "types is no object")
			}
			for _, m := range n.members {
				name, _, _ := strings.Cut(m.name, "#") // which counts those of one name
				types[m.name] = &entry{t: &shape.Type{Name: name}, def: m.value}
			}
			return nil
		},
	})
	if err != nil {
		return nil, err
	}
	v.State = State(state)
	switch {
	case v.Schema == 0 || v.Go == "":
		return nil, failf(n.at, "a version lacks its number or the name of its struct: restore the file, git has it")
	case v.State != Current && v.State != Upcast && v.State != Retired:
		return nil, failf(n.at, "version %d has state %q, which is none of current, upcast and retired", v.Schema, state)
	case (v.State == Upcast) != (v.Upcast != nil):
		return nil, failf(n.at, "version %d has state %s, and only with state upcast there is an upcast", v.Schema, state)
	case (fields == nil) == (typ == nil):
		return nil, failf(n.at, "version %d has neither fields nor a type, or both: restore the file, git has it", v.Schema)
	}
	// Each once, so that a type that contains itself is the same within.
	for _, m := range n.members {
		if m.name == "types" {
			for _, m := range m.value.members {
				if err := types.define(m); err != nil {
					return nil, err
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(types)) {
		if endless(types[name].t, nil) {
			return nil, failf(types[name].def.at, "type %s contains itself without end", name)
		}
	}
	if typ != nil {
		expr := ""
		if err := typ.text("type", &expr); err != nil {
			return nil, err
		}
		v.Shape, err = types.parse(expr, typ.at)
		return v, err
	}
	v.Shape = &shape.Type{Kind: shape.Struct, Name: v.Go}
	return v, types.structure(v.Shape, fields, reserved)
}

// endless reports whether each value of t would hold another of it, as no Go type does.
func endless(t *shape.Type, within []*shape.Type) bool {
	if slices.Contains(within, t) {
		return true
	}
	within = append(within, t)
	switch t.Kind {
	case shape.Struct:
		return slices.ContainsFunc(t.Fields, func(f *shape.Field) bool { return endless(f.Type, within) })
	case shape.Array:
		return endless(t.Elem, within)
	case shape.Pointer:
		return t.Elem.Kind == shape.Pointer && endless(t.Elem, within)
	}
	return false
}

// define reads an entry of the table of types.
func (tab table) define(m member) error {
	var fields, reserved *node
	expr, form, origin := "", "", ""
	var enum *node
	err := m.value.object("type "+m.name, map[string]func(*node) error{
		"fields":   func(n *node) error { fields = n; return nil },
		"reserved": func(n *node) error { reserved = n; return nil },
		"codec":    func(n *node) error { return n.text("codec", &form) },
		"of":       func(n *node) error { return n.text("of", &origin) },
		"type":     func(n *node) error { return n.text("type", &expr) },
		"enum":     func(n *node) error { enum = n; return nil },
	})
	if err != nil {
		return err
	}
	t := tab[m.name].t
	switch {
	case fields != nil:
		t.Kind = shape.Struct
		return tab.structure(t, fields, reserved)
	case form == "json":
		t.Kind, t.Origin = shape.Marshaler, origin
		return nil
	case form == "text":
		t.Kind, t.Origin = shape.Text, origin
		return nil
	case expr == "" || expr == m.name:
		return failf(m.at, "type %s has neither fields nor a known codec nor another type", m.name)
	}
	of, err := tab.parse(expr, m.at)
	if err != nil {
		return err
	}
	if tab[expr] != nil {
		return failf(m.at, "type %s is another name of %s: use that", m.name, expr)
	}
	t.Kind, t.Bits, t.Len, t.Key, t.Elem = of.Kind, of.Bits, of.Len, of.Key, of.Elem
	return enumerate(t, enum, "type "+m.name, expr)
}

// enumerate reads the constants of a type: an object of names and values, or a list of values, as it was before locks kept
// the names.
func enumerate(t *shape.Type, enum *node, what, expr string) error {
	if enum == nil {
		return nil
	}
	value := func(n *node) error {
		value, isString := n.value.(string)
		number, isNumber := n.value.(json.Number)
		if isNumber {
			value = number.String()
		}
		if !isString && !isNumber || isString != (t.Kind == shape.String) {
			return failf(n.at, "a value of %s is no %s", what, expr)
		}
		t.Enum = append(t.Enum, value)
		return nil
	}
	if enum.value != json.Delim('{') {
		return enum.array("enum", value)
	}
	for _, m := range enum.members {
		if err := value(m.value); err != nil {
			return err
		}
		t.Constants = append(t.Constants, shape.Constant{Name: m.name, Value: t.Enum[len(t.Enum)-1]})
	}
	t.Enum = slices.Compact(t.Enum)
	return nil
}

// structure reads the fields of a struct.
func (tab table) structure(t *shape.Type, fields, reserved *node) error {
	names := map[string]bool{}
	read := func(what string, from *node, to *[]*shape.Field) error {
		if from == nil {
			return nil
		}
		return from.array(what, func(n *node) error {
			f, err := tab.field(n)
			if err != nil {
				return err
			}
			if names[f.Name] {
				return failf(n.at, "field %s is there twice: remove one of them", strconv.Quote(f.Name))
			}
			names[f.Name] = true
			*to = append(*to, f)
			return nil
		})
	}
	if err := read("fields", fields, &t.Fields); err != nil {
		return err
	}
	return read("reserved", reserved, &t.Reserved)
}

func (tab table) field(n *node) (*shape.Field, error) {
	f := &shape.Field{}
	path, expr, optional := "", "", ""
	named := false
	err := n.object("a field", map[string]func(*node) error{
		"name":     func(n *node) error { named = true; return n.text("name", &f.Name) },
		"go":       func(n *node) error { return n.text("go", &path) },
		"type":     func(n *node) error { return n.text("type", &expr) },
		"optional": func(n *node) error { return n.text("optional", &optional) },
		"quoted":   func(n *node) error { return n.flag("quoted", &f.Quoted) },
		"was": func(n *node) error {
			return n.array("was", func(n *node) error {
				f.Was = append(f.Was, "")
				return n.text("a former name", &f.Was[len(f.Was)-1])
			})
		},
		"default": func(n *node) error {
			f.Default = new(string)
			return n.text("default", f.Default)
		},
	})
	if err != nil {
		return nil, err
	}
	if !named || path == "" {
		return nil, failf(n.at, "a field lacks its name, in JSON or in Go: restore the file, git has it")
	}
	steps := strings.Split(path, ".")
	f.Go = steps[len(steps)-1]
	for _, s := range steps[:len(steps)-1] {
		f.Steps = append(f.Steps, shape.Step{Name: s})
	}
	for option := range strings.SplitSeq(optional, ",") {
		switch option {
		case "embedded":
			f.Behind = true
		case "omitempty":
			f.OmitEmpty = true
		case "omitzero":
			f.OmitZero = true
		case "":
		default:
			return nil, failf(n.at, "field %s is optional as %q, which is none of embedded, omitempty and omitzero", f.Name, option)
		}
	}
	f.Type, err = tab.parse(expr, n.at)
	return f, err
}
