// Package golden is the format of the golden corpus: stored events of every schema version that
// there ever was, and what they are read as. esgen writes what is stored, from the shapes in
// the schema lock; the generated tests write what that is read as.
//
// The files lie in the folder golden of the schema lock, one an event type, as those of the lock do:
//
//	{
//	  "format": 1,
//	  "event": "order.placed",
//	  "goldens": [
//	    {
//	      "version": 1,                        the schema version
//	      "name": "full",                      of the golden, once a version
//	      "stored": {"sku":"text 1"},          the stored text, which never changes
//	      "read": [                            the latest events that it becomes; none if it is dropped
//	        {"order.placed 2": {"sku":"text 1","currency":"EUR"}}
//	      ]
//	    }
//	  ]
//	}
//
// In place of read there is refused, with the words of an upcaster's error, or neither, where the event is
// read as it is stored.
package golden

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/esgen-go/esgen/internal/jsondiff"
)

// Format is the version of the format that this package writes, and the highest that it reads.
const Format = 1

// Dir is the name of the folder within that of the schema lock.
const Dir = "golden"

// File is the goldens of one event type.
type File struct {
	Event   string
	Goldens []*Golden // by version and name
}

// Golden is one stored event.
type Golden struct {
	Version int
	Name    string
	Stored  []byte // the JSON text
	Result
}

// Result is what became of a stored event. The zero value says that it is read as it is stored.
type Result struct {
	Read    []Event // not nil, but empty if the event is dropped
	Refused string  // what an upcaster said
}

// Event is one of the latest events.
type Event struct {
	Is   string // its name and schema version, such as "order.placed 2"
	Data []byte // its JSON text
}

// Name returns the event's name, without its schema version.
func (e Event) Name() string {
	if i := strings.LastIndexByte(e.Is, ' '); i >= 0 {
		return e.Is[:i]
	}
	return e.Is
}

// Is returns how an event of a schema version is named.
func Is(name string, schema int) string { return name + " " + strconv.Itoa(schema) }

// Get returns the golden of that version and name, or nil.
func (f *File) Get(version int, name string) *Golden {
	for _, g := range f.Goldens {
		if g.Version == version && g.Name == name {
			return g
		}
	}
	return nil
}

// Sort brings the goldens into their order.
func (f *File) Sort() {
	slices.SortFunc(f.Goldens, func(a, b *Golden) int {
		return cmp.Or(cmp.Compare(a.Version, b.Version), cmp.Compare(a.Name, b.Name))
	})
}

// Plain returns the result that says that an event is read as it is stored.
func (g *Golden) Plain(event string) Result {
	return Result{Read: []Event{{Is(event, g.Version), g.Stored}}}
}

// Expected returns what the golden is to be read as.
func (g *Golden) Expected(event string) Result {
	if g.Read == nil && g.Refused == "" {
		return g.Plain(event)
	}
	return g.Result
}

// Accept sets what the golden is to be read as.
func (g *Golden) Accept(event string, r Result) {
	g.Result = r
	if r.Same(g.Plain(event)) {
		g.Result = Result{}
	}
}

// Same reports whether two results hold the same: the order of fields, white space and the words of errors don't count.
func (r Result) Same(other Result) bool {
	return (r.Refused != "") == (other.Refused != "") && slices.EqualFunc(r.Read, other.Read, func(a, b Event) bool {
		return a.Is == b.Is && jsondiff.Same(a.Data, b.Data)
	})
}

// String writes the result for people, a line an event.
func (r Result) String() string {
	switch {
	case r.Refused != "":
		return "refused: " + r.Refused
	case len(r.Read) == 0:
		return "nothing: it is dropped"
	}
	lines := make([]string, len(r.Read))
	for i, e := range r.Read {
		lines[i] = e.Is + " " + string(e.Data)
	}
	return strings.Join(lines, "\n")
}

// Parse reads a file.
func Parse(data []byte) (*File, error) {
	var raw struct {
		Format  int
		Event   string
		Goldens []struct {
			Version int
			Name    string
			Stored  json.RawMessage
			Read    []map[string]json.RawMessage
			Refused string
		}
	}
	if err := json.Unmarshal(data, &raw); err != nil {
		if bytes.Contains(data, []byte("\n<<<<<<<")) {
			return nil, errors.New("a merge conflict is unresolved: keep the goldens of both sides; or take the file of the base branch (git checkout BASE -- FILE), run esgen, which writes its own again, and add those that people had added")
		}
		return nil, fmt.Errorf("restore the file, git has it: %w", err)
	}
	switch {
	case raw.Format > Format:
		return nil, fmt.Errorf("its format is %d, and this build reads up to %d: update esgen", raw.Format, Format)
	case raw.Format < 1 || raw.Event == "":
		return nil, fmt.Errorf("it lacks the format or the event: restore the file, git has it")
	}
	f := &File{Event: raw.Event}
	for _, r := range raw.Goldens {
		g := &Golden{Version: r.Version, Name: r.Name, Stored: r.Stored, Result: Result{Refused: r.Refused}}
		switch {
		case g.Version < 1 || g.Name == "" || len(g.Stored) == 0:
			return nil, fmt.Errorf("a golden lacks its version, name or what is stored")
		case f.Get(g.Version, g.Name) != nil:
			return nil, fmt.Errorf("version %d has two goldens of the name %q: give one of them another", g.Version, g.Name)
		}
		if r.Read != nil {
			g.Read = []Event{}
		}
		for _, e := range r.Read {
			if len(e) != 1 {
				return nil, fmt.Errorf("an event that golden %s of version %d is read as has not one name", g.Name, g.Version)
			}
			for is, data := range e {
				g.Read = append(g.Read, Event{is, data})
			}
		}
		f.Goldens = append(f.Goldens, g)
	}
	f.Sort()
	return f, nil
}

// Encode writes the file. The same goldens give the same bytes.
func (f *File) Encode() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "{\n  \"format\": %d,\n  \"event\": %s,\n  \"goldens\": [", Format, text(f.Event))
	for i, g := range f.Goldens {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "\n    {\n      \"version\": %d,\n      \"name\": %s,\n      \"stored\": %s", g.Version, text(g.Name), g.Stored)
		if g.Refused != "" {
			b.WriteString(",\n      \"refused\": " + text(g.Refused))
		} else if g.Read != nil {
			b.WriteString(",\n      \"read\": [")
			for i, e := range g.Read {
				if i > 0 {
					b.WriteByte(',')
				}
				fmt.Fprintf(&b, "\n        {%s: %s}", text(e.Is), e.Data)
			}
			if len(g.Read) > 0 {
				b.WriteString("\n      ")
			}
			b.WriteByte(']')
		}
		b.WriteString("\n    }")
	}
	if len(f.Goldens) > 0 {
		b.WriteString("\n  ")
	}
	b.WriteString("]\n}\n")
	return b.Bytes()
}

// text returns a string as JSON, without escapes that only HTML needs.
func text(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		panic(err) // every string can be written
	}
	return strings.TrimSuffix(b.String(), "\n")
}
