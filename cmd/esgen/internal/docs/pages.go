package docs

import (
	"fmt"
	"slices"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/catalog"
	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

// pageWriter writes a Markdown page.
type pageWriter struct{ strings.Builder }

// newPage begins a page with a heading.
func newPage(heading string) *pageWriter {
	p := &pageWriter{}
	line, _ := Header(IndexFile)
	p.par("%s", line)
	p.par("# %s", heading)
	return p
}

// par writes a paragraph, if there is anything in it.
func (p *pageWriter) par(format string, args ...any) {
	text := strings.TrimRight(fmt.Sprintf(format, args...), "\n")
	if text == "" {
		return
	}
	if p.Len() > 0 {
		p.WriteByte('\n')
	}
	p.WriteString(text + "\n")
}

// table writes a table, if it has rows.
func (p *pageWriter) table(head []string, rows [][]string) {
	if len(rows) == 0 {
		return
	}
	var b strings.Builder
	write := func(cells []string) { b.WriteString("| " + strings.Join(cells, " | ") + " |\n") }
	write(head)
	write(slices.Repeat([]string{"---"}, len(head)))
	for _, row := range rows {
		write(row)
	}
	p.par("%s", b.String())
}

func (p *pageWriter) bytes() []byte { return []byte(p.String()) }

// index returns the page that leads to all others.
func index(c *catalog.Catalog) []byte {
	p := newPage("Events of " + c.Module)
	p.par("What is stored, and by which commands. [%s](%s) has the same for tools; the JSON Schema of each version of each event is beside its aggregate's page.",
		AsyncAPIFile, AsyncAPIFile)
	var rows [][]string
	for _, a := range c.Aggregates {
		latest, old := 0, 0
		for _, e := range a.Events {
			for _, v := range e.Versions {
				if v.Next == nil {
					latest++
				} else {
					old++
				}
			}
		}
		rows = append(rows, []string{
			fmt.Sprintf("[%s](%s/%s)", a.Category, a.Category, IndexFile), cell(synopsis(a.Doc)), fmt.Sprint(len(a.Commands)), fmt.Sprint(latest), fmt.Sprint(old),
		})
	}
	p.table([]string{"Aggregate", "What it is", "Commands", "Events", "Old versions"}, rows)
	if len(c.Aggregates) == 0 {
		p.par("There are no aggregates yet: `esgen new account` writes one.")
	}
	return p.bytes()
}

// page returns the page of an aggregate.
func page(a *catalog.Aggregate) []byte {
	p := newPage(a.Category)
	link := links(a)
	p.par("%s", markdown(a.Doc, link))
	p.par("State %s of package %s. Streams are named `%s-` and the aggregate's id. [All aggregates](../%s)", code(a.Go), code(a.Package), a.Category, IndexFile)
	p.par("```mermaid\n%s```", diagram(a))
	if slices.ContainsFunc(a.Events, func(e *catalog.Event) bool { return e.Versions[0].Next != nil }) {
		p.par("Dashed: old versions, which are still read, as what they hang on.")
	}
	p.commands(a, link)
	for _, retired := range []bool{false, true} {
		heading := map[bool]string{false: "## Events", true: "## Retired events"}[retired]
		for _, e := range a.Events {
			if e.Retired() == retired {
				p.par("%s", heading)
				heading = ""
				p.event(e, link)
			}
		}
	}
	return p.bytes()
}

// links returns how to find the heading of the event whose struct has a name.
func links(a *catalog.Aggregate) func(string) string {
	to := map[string]string{}
	for _, e := range a.Events {
		for _, v := range e.Versions {
			if v.Go != "" {
				to[v.Go] = anchor(e.Name)
			}
		}
	}
	return func(name string) string { return to[name] }
}

func (p *pageWriter) commands(a *catalog.Aggregate, link func(string) string) {
	var rows [][]string
	for _, c := range a.Commands {
		var records []string
		for _, e := range c.Records {
			records = append(records, fmt.Sprintf("[%s](%s)", e.Name, anchor(e.Name)))
		}
		rows = append(rows, []string{code(c.Name + c.Signature), strings.Join(records, ", "), inCell(c.Doc, link)})
	}
	if len(rows) > 0 {
		p.par("## Commands")
	}
	p.table([]string{"Command", "Records", "What it does"}, rows)
}

// inCell returns a doc comment as a table's cell.
func inCell(doc string, link func(string) string) string {
	return cell(strings.Join(strings.Fields(markdown(doc, link)), " "))
}

func (p *pageWriter) event(e *catalog.Event, link func(string) string) {
	p.par("### %s", e.Name)
	if len(e.Was) > 0 {
		p.par("Stored as %s before.", strings.Join(e.Was, ", "))
	}
	for _, v := range slices.Backward(e.Versions) {
		p.par("%s", markdown(v.Doc, link))
		state := "is recorded"
		if v.Next != nil {
			state = becomes(v)
		} else if v.Retired {
			state = "is not recorded any more, and applied when it is read"
		}
		of := ""
		if v.Go != "" {
			of = ", " + code(v.Go) + ","
		}
		p.par("**Version %d**%s %s. [JSON Schema](%s)", v.Schema, of, state, reference(schemaFile(v)))
		p.fields(v, v.Shape, link)
		p.reserved(v)
		for t := range v.Shape.All() {
			if t.Kind != shape.Struct || t == v.Shape {
				continue
			}
			name := code(t.Name)
			if t.Name == "" {
				name = "An object without a name"
			}
			p.par("%s in version %d:", name, v.Schema)
			p.fields(v, t, link)
		}
	}
}

// reserved tells of fields that the version had before.
func (p *pageWriter) reserved(v *catalog.Version) {
	var names []string
	for _, f := range v.Reserved {
		names = append(names, code(f.Name))
	}
	if len(names) > 0 {
		p.par("Stored events may also have %s, which it had before.", strings.Join(names, ", "))
	}
}

// fields writes the table of a struct's fields.
func (p *pageWriter) fields(v *catalog.Version, t *shape.Type, link func(string) string) {
	var rows [][]string
	for _, f := range t.Fields {
		of := describe(f.Type)
		if f.Quoted {
			of += ", in quotes"
		}
		name := code(f.Name)
		for _, was := range f.Was {
			name += ", once " + code(was)
		}
		rows = append(rows, []string{name, of, presence(f), inCell(v.DocOf(f), link)})
	}
	if len(rows) == 0 {
		p.par("It has no fields.")
	}
	p.table([]string{"Field", "Type", "Presence", "Meaning"}, rows)
}
