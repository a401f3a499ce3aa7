package main

import (
	"bytes"
	"fmt"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// change is a change to a package whose events are released.
type change struct {
	name          string // a Go identifier too: the package's name
	file          string // the group's
	before, after string // the declarations of the package
	want          string // what esgen diff prints
	fixed         string // the package with the printed remedy applied; "" where after is safe
	stored        string // events that the package before had stored, one a line: name, version and JSON text
	reads         string // what the package then applies, one a line
}

// changes reads the groups of testdata/changes.
func changes(t *testing.T) []*change {
	t.Helper()
	files, err := filepath.Glob("testdata/changes/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no changes: %v", err)
	}
	var all []*change
	for _, file := range files {
		archive, err := txtar.ParseFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var c *change
		for _, f := range archive.Files {
			name, part, _ := strings.Cut(f.Name, "/")
			if c == nil || c.name != name {
				c = &change{name: name, file: file}
				all = append(all, c)
			}
			to, ok := map[string]*string{"before": &c.before, "after": &c.after, "want": &c.want, "fixed": &c.fixed, "stored": &c.stored, "reads": &c.reads}[part]
			if !ok {
				t.Fatalf("%s: %s has an unknown part", file, f.Name)
			}
			*to = string(f.Data)
		}
	}
	return all
}

// TestChangesAreJudgedAndRemediesHold takes each package through its life: it is generated, events are
// stored and released, it changes, esgen judges the change, the remedy is applied, and what was stored is read.
func TestChangesAreJudgedAndRemediesHold(t *testing.T) {
	long(t)
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("needs git, which is what knows what is released")
	}
	t.Parallel()
	all := changes(t)
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
	put := func(c *change, declarations string) {
		writeFile(t, filepath.Join(dir, c.name, "order.go"), goFile(t, c, declarations))
	}
	git("init", "--quiet", "--initial-branch=main")
	for _, c := range all {
		put(c, c.before)
	}
	if status, _, stderr := esgen(t, dir, "./..."); status != 0 {
		t.Fatalf("before the changes: %s", stderr)
	}
	git("add", "--all")
	git("commit", "--quiet", "--message=before")
	git("switch", "--quiet", "--create=change")

	// The verdicts.
	for _, c := range all {
		put(c, c.after)
	}
	_, stdout, stderr := esgen(t, dir, "diff", "./...")
	if stderr != "" {
		t.Fatalf("esgen diff: %s", stderr)
	}
	judged := perPackage(stdout)
	_, _, stderr = esgen(t, dir, "check", "./...")
	refused := perPackage(stderr)
	for _, c := range all {
		got := strings.Join(judged[c.name], "")
		if *update {
			c.want = got
		} else if got != c.want {
			t.Errorf("%s: %s: esgen diff prints\n%swant\n%s", c.file, c.name, got, c.want)
		}
		breaking := slices.DeleteFunc(slices.Clone(judged[c.name]), func(line string) bool {
			return strings.Contains(line, ": safe: ") || strings.HasSuffix(line, ": allowed\n")
		})
		if got, want := strings.Join(refused[c.name], ""), strings.Join(breaking, ""); got != want {
			t.Errorf("%s: %s: esgen check prints\n%swant what diff says of what is not safe\n%s", c.file, c.name, got, want)
		}
		if (len(breaking) > 0) != (c.fixed != "") {
			t.Errorf("%s: %s: %d findings that break, and fixed is %q", c.file, c.name, len(breaking), c.fixed)
		}
	}
	if *update {
		writeChanges(t, all)
	}

	// The remedies.
	for _, c := range all {
		if c.fixed != "" {
			put(c, c.fixed)
		}
	}
	if status, _, stderr := esgen(t, dir, "./..."); status != 0 {
		t.Fatalf("with the remedies: %s", stderr)
	}
	if status, _, stderr := esgen(t, dir, "check", "./..."); status != 0 {
		t.Fatalf("with the remedies: esgen check: %s", stderr)
	}

	// What was stored is read.
	writeFile(t, filepath.Join(dir, "main.go"), readers(all))
	cmd := exec.Command("go", "run", ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	read := map[string]string{}
	for line := range strings.Lines(string(out)) {
		name, rest, _ := strings.Cut(line, " ")
		read[name] += rest
	}
	for _, c := range all {
		if got := read[c.name]; *update {
			c.reads = got
		} else if got != c.reads {
			t.Errorf("%s: %s: what is stored is read as\n%swant\n%s", c.file, c.name, got, c.reads)
		}
	}
	if *update {
		writeChanges(t, all)
	}
}

// writeChanges rewrites the groups.
func writeChanges(t *testing.T, all []*change) {
	t.Helper()
	groups := map[string]*txtar.Archive{}
	for _, c := range all {
		a := groups[c.file]
		if a == nil {
			data, err := os.ReadFile(c.file)
			if err != nil {
				t.Fatal(err)
			}
			a = &txtar.Archive{Comment: txtar.Parse(data).Comment}
			groups[c.file] = a
		}
		for _, part := range []struct{ name, text string }{
			{"before", c.before}, {"after", c.after}, {"want", c.want}, {"fixed", c.fixed}, {"stored", c.stored}, {"reads", c.reads},
		} {
			if part.text != "" {
				a.Files = append(a.Files, txtar.File{Name: c.name + "/" + part.name, Data: []byte(part.text)})
			}
		}
	}
	for file, a := range groups {
		writeFile(t, file, txtar.Format(a))
	}
}

// perPackage returns the lines by the folder that they begin with, with their file's name alone.
func perPackage(text string) map[string][]string {
	lines := map[string][]string{}
	for line := range strings.Lines(text) {
		name, rest, _ := strings.Cut(line, "/")
		if !strings.Contains(rest, ": run esgen (go generate)") {
			lines[name] = append(lines[name], rest)
		}
	}
	return lines
}

var (
	eventStruct = regexp.MustCompile(`(?m)^//esgen:event.*\n(?://.*\n)*type (\w+) struct`)
	oldStruct   = regexp.MustCompile(`V[0-9]+$`)
)

// goFile returns a package with the declarations. Where they lack them, an aggregate and apply bodies are added:
// below, so that the lines count from the declarations' first.
func goFile(t *testing.T, c *change, declarations string) []byte {
	t.Helper()
	var b bytes.Buffer
	fmt.Fprintf(&b, "package %s\n\n", c.name)
	b.WriteString(`import ("encoding/json"; "fmt"; "github.com/esgen-go/esgen/aggregate"`)
	for use, path := range map[string]string{"time.": "time", "uuid.": "github.com/google/uuid", "strconv.": "strconv", "strings.": "strings", "errors.": "errors"} {
		if strings.Contains(declarations, use) {
			fmt.Fprintf(&b, "; %q", path)
		}
	}
	b.WriteString(")\n\n" + declarations + "\n")
	if !strings.Contains(declarations, "//esgen:aggregate") {
		b.WriteString("// Order is an order.\n//\n//esgen:aggregate\ntype Order struct {\n\taggregate.Root\n\tSeen []string\n}\n\n")
	}
	if !strings.Contains(declarations, ") see(") {
		b.WriteString("func (o *Order) see(e any) {\n\ttext, _ := json.Marshal(e)\n\to.Seen = append(o.Seen, fmt.Sprintf(\"%T %s\", e, text))\n}\n\n")
	}
	for _, m := range eventStruct.FindAllStringSubmatch(declarations, -1) {
		if !strings.Contains(declarations, "apply"+m[1]+"(") && !oldStruct.MatchString(m[1]) {
			fmt.Fprintf(&b, "func (o *Order) apply%s(e %s) { o.see(e) }\n\n", m[1], m[1])
		}
	}
	formatted, err := format.Source(b.Bytes())
	if err != nil {
		t.Fatalf("%s: %s: %v\n%s", c.file, c.name, err, b.Bytes())
	}
	return formatted
}

// readers returns a program that stores the events of each package, as they were, loads the aggregate
// and prints what it has applied.
func readers(all []*change) []byte {
	var b bytes.Buffer
	b.WriteString("package main\n\nimport (\n\t\"context\"\n\t\"fmt\"\n\n\t\"github.com/google/uuid\"\n\n\t\"github.com/esgen-go/esgen/es\"\n\t\"github.com/esgen-go/esgen/es/memory\"\n")
	var body bytes.Buffer
	for _, c := range all {
		if c.stored == "" {
			continue
		}
		fmt.Fprintf(&b, "\t%q\n", "example.com/app/"+c.name)
		fmt.Fprintf(&body, "\t{\n\t\tstore := memory.New()\n")
		constructor := "NewOrderRepository"
		for line := range strings.Lines(c.stored) {
			parts := strings.SplitN(strings.TrimSpace(line), " ", 3)
			fmt.Fprintf(&body, "\t\tstored(store, %q, %s, %q)\n", parts[0], parts[1], parts[2])
		}
		fmt.Fprintf(&body, "\t\to, err := %s.%s(store).Load(context.Background(), \"1\")\n", c.name, constructor)
		fmt.Fprintf(&body, "\t\tif err != nil {\n\t\t\tfmt.Println(%q, err)\n\t\t} else {\n\t\t\tfor _, seen := range o.Seen {\n\t\t\t\tfmt.Println(%[1]q, seen)\n\t\t\t}\n\t\t}\n\t}\n", c.name)
	}
	b.WriteString(")\n\nfunc stored(store es.Store, name string, schema int, data string) {\n")
	b.WriteString("\tevent := es.Event{ID: uuid.Must(uuid.NewV7()), Type: name, Schema: schema, Data: []byte(data)}\n")
	b.WriteString("\tif _, err := store.Append(context.Background(), es.Write{Stream: es.Stream{Category: \"order\", ID: \"1\"}, Expect: es.Any, Events: []es.Event{event}}); err != nil {\n\t\tpanic(err)\n\t}\n}\n\n")
	b.WriteString("func main() {\n" + body.String() + "}\n")
	return b.Bytes()
}
