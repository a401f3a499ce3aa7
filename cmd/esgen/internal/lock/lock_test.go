package lock_test

import (
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/esgen-go/esgen/cmd/esgen/internal/lock"
	"github.com/esgen-go/esgen/cmd/esgen/internal/problem"
)

// placed has every form of a type once, in the order in which it is written.
const placed = `{
  "format": 1,
  "event": "order.placed",
  "category": "order",
  "aggregate": "Order",
  "versions": [
    {
      "version": 1,
      "state": "upcast",
      "released": true,
      "go": "PlacedV1",
      "upcast": {"func": "upcastPlacedV1", "to": "order.placed 2"},
      "fields": []
    },
    {
      "version": 2,
      "state": "upcast",
      "go": "PlacedV2",
      "upcast": {"to": "order.placed 3"},
      "type": "PlacedV2",
      "types": {
        "PlacedV2": {"codec": "json"}
      }
    },
    {
      "version": 3,
      "state": "current",
      "go": "Placed",
      "fields": [
        {"name": "a", "go": "A", "type": "[]*int8"},
        {"name": "b", "go": "Base.B", "type": "[3]uint16", "optional": "embedded,omitempty,omitzero"},
        {"name": "c", "go": "C", "type": "map[money.Code]map[int64][]bytes"},
        {"name": "d", "go": "D", "type": "string", "was": ["e", "f"], "default": "<EUR>"},
        {"name": "g", "go": "G", "type": "float32", "quoted": true},
        {"name": "h", "go": "H", "type": "Tree"},
        {"name": "i", "go": "I", "type": "Page[Item]"},
        {"name": "j", "go": "J", "type": "Level"}
      ],
      "reserved": [
        {"name": "k", "go": "K", "type": "time"}
      ],
      "types": {
        "Item": {
          "fields": [
            {"name": "next", "go": "Next", "type": "*Item"}
          ],
          "reserved": [
            {"name": "sku", "go": "SKU", "type": "string"}
          ]
        },
        "Level": {"type": "int32", "enum": [-1, 0, 10]},
        "Page[Item]": {
          "fields": [
            {"name": "all", "go": "All", "type": "[]Item"}
          ]
        },
        "Tree": {"type": "[]Tree"},
        "money.Code": {"type": "string", "enum": ["EUR", "\"quoted\""]}
      }
    }
  ]
}
`

func parse(t *testing.T, path, text string) (*lock.Event, []string) {
	t.Helper()
	problems := problem.NewList(token.NewFileSet())
	e := lock.Parse(path, []byte(text), problems)
	return e, problems.Lines(".")
}

func TestWhatIsReadIsWrittenTheSame(t *testing.T) {
	t.Parallel()
	e, problems := parse(t, "order.placed.json", placed)
	if e == nil {
		t.Fatal(problems)
	}
	if diff := cmp.Diff(placed, string(e.Encode())); diff != "" {
		t.Errorf("-read +written:\n%s", diff)
	}
	for _, v := range e.Versions {
		if !lock.Same(v.Shape, v.Shape) {
			t.Errorf("version %d is not the same as itself", v.Schema)
		}
	}
	if lock.Same(e.Versions[0].Shape, e.Versions[2].Shape) {
		t.Error("two shapes are the same")
	}
}

func TestWhatIsWrongWithAFileIsToldAtItsPlace(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, old, new, want string }{
		{"a merge conflict", `      "state": "upcast",` + "\n      \"go", "<<<<<<< HEAD\n      \"state\": \"upcast\",\n      \"go", "17:1: reading the schema lock: a merge conflict"},
		{"no JSON", `"order.placed",`, `order.placed,`, "3:12: reading the schema lock: it is no JSON"},
		{"the end is missing", "    }\n  ]\n}\n", "", "1: reading the schema lock: it ends in the middle"},
		{"text behind it", "    }\n  ]\n}\n", "    }\n  ]\n}\n{}", "63:1: reading the schema lock: text follows"},
		{"a newer format", `"format": 1`, `"format": 2`, "2:13: reading the schema lock: its format is 2, and this esgen reads up to 1: update esgen"},
		{"no format", `"format": 1,`, ``, "1:1: reading the schema lock: it has no format"},
		{"an unknown member", `"go": "PlacedV1"`, `"golang": "PlacedV1"`, `11:7: reading the schema lock: a version has an unknown member "golang"`},
		{"a member twice", `"go": "PlacedV1"`, `"state": "upcast"`, `11:7: reading the schema lock: "state" is there twice`},
		{"a field twice", `"name": "g"`, `"name": "a"`, `reading the schema lock: field "a" is there twice`},
		{"an unknown type", `"type": "Level"`, `"type": "level"`, `reading the schema lock: type "level" is neither known nor in the table of types`},
		{"an unknown state", `"state": "current"`, `"state": "new"`, `reading the schema lock: version 3 has state "new"`},
		{"versions out of order", `"version": 3`, `"version": 2`, "reading the schema lock: version 2 follows version 2"},
		{"no whole number", `"version": 3`, `"version": 3.5`, "reading the schema lock: version is no whole number from 1"},
		{"a value of another type", `"enum": [-1,`, `"enum": ["-1",`, "reading the schema lock: a value of type Level is no int32"},
		{"an unknown codec", `"codec": "json"`, `"codec": "xml"`, "reading the schema lock: type PlacedV2 has neither"},
		{"a struct in itself", `"type": "*Item"`, `"type": "Item"`, "reading the schema lock: type Item contains itself without end"},
		{"a pointer to itself", `"Tree": {"type": "[]Tree"}`, `"Tree": {"type": "*Tree"}`, "reading the schema lock: type Tree contains itself without end"},
		{"a name that is a number", `"order.placed",`, `3,`, "3:12: reading the schema lock: event is no string"},
		{"no UTF-8", `"order.placed",`, "\"order\xff\",", "1:1: reading the schema lock: it is no UTF-8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(placed, c.old, c.new, 1)
			if text == placed {
				t.Fatalf("%q is not in the text", c.old)
			}
			e, problems := parse(t, "order.placed.json", text)
			if e != nil || len(problems) != 1 || !strings.Contains(problems[0], c.want) || !strings.HasPrefix(problems[0], "order.placed.json:") {
				t.Errorf("got %v, want %s", problems, c.want)
			}
		})
	}
}

func TestAFolderIsReadSorted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	l := write(t, dir, map[string]string{"order.placed.json": "order.placed", "a.json": "a", "README.md": "none", ".a.json.123": "none"})
	if len(l.problems) > 0 || len(l.Events) != 2 || l.Event("a") == nil || l.Event("order.placed").Version(3) == nil || l.Event("b") != nil || l.Event("b").Version(1) != nil {
		t.Errorf("got %+v, %v", l.Events, l.problems)
	}
	if l := write(t, t.TempDir(), nil); len(l.Events) != 0 || len(l.problems) != 0 {
		t.Errorf("a package without a lock: %+v", l)
	}
}

func TestAnEventIsInOneFileItsOwn(t *testing.T) {
	t.Parallel()
	l := write(t, t.TempDir(), map[string]string{"a.json": "a", "b.json": "a", "c.json": "d"})
	want := []string{
		filepath.Join("esgen.lock", "b.json") + ":3:12: event a is locked in a.json too: remove the file that is not its own, which is a.json",
		filepath.Join("esgen.lock", "c.json") + ":3:12: the lock of event d is in the wrong file: rename that to d.json",
	}
	if diff := cmp.Diff(want, l.problems); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

type read struct {
	*lock.Lock
	problems []string
}

// write writes files with the lock of an event each and reads them.
func write(t *testing.T, dir string, events map[string]string) read {
	t.Helper()
	for file, event := range events {
		if err := os.MkdirAll(filepath.Join(dir, lock.Dir), 0o755); err != nil {
			t.Fatal(err)
		}
		text := strings.Replace(placed, "order.placed", event, 1)
		if err := os.WriteFile(filepath.Join(dir, lock.Dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	problems := problem.NewList(token.NewFileSet())
	l, err := lock.Read(dir, problems)
	if err != nil {
		t.Fatal(err)
	}
	return read{l, problems.Lines(dir)}
}

func TestNamesThatDifferHaveFilesThatDiffer(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 190)
	names := []string{
		"a", "A", "aB", "AB", "Ab", "a.b", "a/b", "a:b", "a-b", "a_b", ".a", "con", "CON", "con.opened", "CON.opened", "conx", "nul.x", "COM1", "../x", "/", ".", "..",
		long, long + "b", strings.ToUpper(long), strings.Repeat("A", 100), strings.Repeat("A", 95) + "b", strings.Repeat("A", 95) + "c",
	}
	files := map[string]string{}
	for _, name := range names {
		file := lock.FileName(name)
		if other, ok := files[strings.ToLower(file)]; ok {
			t.Errorf("%q and %q are both in %s", name, other, file)
		}
		files[strings.ToLower(file)] = name
		first, _, _ := strings.Cut(file, ".")
		if len(file) > 200 || strings.ContainsAny(file, `/\:*?"<>|`) || strings.HasPrefix(file, ".") || strings.HasPrefix(first, "con") && first != "conx" || !lock.IsFile(file) {
			t.Errorf("%q is in %q", name, file)
		}
	}
	if got := lock.FileName("account.money_received"); got != "account.money_received.json" {
		t.Errorf("a usual name is in %s", got)
	}
}

func FuzzAnyTextIsReadOrRefused(f *testing.F) {
	f.Add([]byte(placed))
	f.Add([]byte(`{"format":1,"event":"a","category":"a","aggregate":"A","versions":[{"version":1,"state":"current","go":"A","type":"T","types":{"T":{"type":"map[T]T"}}}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		problems := problem.NewList(token.NewFileSet())
		e := lock.Parse("a.json", data, problems)
		if (e == nil) == (problems.Len() == 0) {
			t.Fatalf("event %v, problems %v", e, problems.Lines("."))
		}
		if e == nil {
			return
		}
		text := e.Encode()
		again := lock.Parse("a.json", text, problems)
		if again == nil {
			t.Fatalf("%s\nis written as\n%s\nwhich is refused: %v", data, text, problems.Lines("."))
		}
		for i, v := range again.Versions {
			if !lock.Same(v.Shape, e.Versions[i].Shape) {
				t.Fatalf("%s\nis written as\n%s\nwith another shape", data, text)
			}
		}
		if string(again.Encode()) != string(text) {
			t.Fatalf("%s\nis written in two ways", data)
		}
	})
}
