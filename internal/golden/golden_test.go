package golden_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/esgen-go/esgen/internal/golden"
)

const placed = `{
  "format": 1,
  "event": "order.placed",
  "goldens": [
    {
      "version": 1,
      "name": "full",
      "stored": {"sku" : "a\u0000<>", "n":1.50},
      "read": [
        {"order.placed 2": {"article":"a\u0000<>"}},
        {"order.paid 1": {}}
      ]
    },
    {
      "version": 1,
      "name": "of <June>",
      "stored": {},
      "refused": "no such \"order\""
    },
    {
      "version": 1,
      "name": "zero",
      "stored": null,
      "read": []
    },
    {
      "version": 2,
      "name": "zero",
      "stored": {"article":""}
    }
  ]
}
`

func TestAFileThatIsReadIsWrittenTheSame(t *testing.T) {
	t.Parallel()
	f, err := golden.Parse([]byte(placed))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(placed, string(f.Encode())); diff != "" {
		t.Errorf("-read +written:\n%s", diff)
	}
	empty := &golden.File{Event: "order.closed"}
	again, err := golden.Parse(empty.Encode())
	if err != nil || again.Event != empty.Event || len(again.Goldens) != 0 {
		t.Errorf("%s: %+v, %v", empty.Encode(), again, err)
	}
}

func TestWhatIsWrongWithAFileIsTold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, old, new, want string }{
		{"a newer format", `"format": 1`, `"format": 2`, "its format is 2, and this build reads up to 1: update esgen"},
		{"no event", `"event": "order.placed",`, ``, "it lacks the format or the event"},
		{"a merge conflict", `  "goldens": [`, "<<<<<<< HEAD\n  \"goldens\": [", "a merge conflict is unresolved: keep the goldens of both sides"},
		{"the end is missing", "  ]\n}\n", "", "restore the file, git has it"},
		{"a name twice", `"name": "full"`, `"name": "zero"`, `version 1 has two goldens of the name "zero"`},
		{"nothing stored", `,
      "stored": {"article":""}`, ``, "a golden lacks its version, name or what is stored"},
		{"an event of two names", `{"order.paid 1": {}}`, `{"order.paid 1": {}, "order.paid 2": {}}`, "golden full of version 1"},
	} {
		text := strings.Replace(placed, c.old, c.new, 1)
		if text == placed {
			t.Fatalf("%s: %q is not in the text", c.name, c.old)
		}
		if _, err := golden.Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
}

func TestResultsAreTheSameWhateverTheirSpelling(t *testing.T) {
	t.Parallel()
	read := func(is, data string) golden.Result {
		return golden.Result{Read: []golden.Event{{Is: is, Data: []byte(data)}}}
	}
	for _, c := range []struct {
		name string
		a, b golden.Result
		same bool
	}{
		{"the order of fields", read("a 1", `{"a":1,"b":"ü"}`), read("a 1", `{"b":"\u00fc", "a":1}`), true},
		{"a number's spelling", read("a 1", `{"a":1}`), read("a 1", `{"a":1.0}`), false},
		{"null and nothing", read("a 1", `{"a":null}`), read("a 1", `{}`), false},
		{"another version", read("a 1", `{}`), read("a 2", `{}`), false},
		{"one more", read("a 1", `{}`), golden.Result{Read: []golden.Event{}}, false},
		{"the words of an error", golden.Result{Refused: "no"}, golden.Result{Refused: "no, thanks"}, true},
		{"refused and dropped", golden.Result{Refused: "no"}, golden.Result{Read: []golden.Event{}}, false},
	} {
		if c.a.Same(c.b) != c.same || c.b.Same(c.a) != c.same {
			t.Errorf("%s: same is %v", c.name, !c.same)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(placed))
	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := golden.Parse(data)
		if err != nil {
			return
		}
		text := file.Encode()
		again, err := golden.Parse(text)
		if err != nil {
			t.Fatalf("what was written can't be read: %v\n%s", err, text)
		}
		if diff := cmp.Diff(string(text), string(again.Encode())); diff != "" {
			t.Errorf("it is written otherwise the second time:\n%s", diff)
		}
	})
}
