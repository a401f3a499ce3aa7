package docs

import (
	"fmt"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/catalog"
)

// diagram returns a Mermaid flowchart of an aggregate, from left to right: commands, rounded; the events that
// they record; and, dashed, the old versions that are read as these. The lines to old versions have no arrows,
// since Mermaid would place what an arrow begins at to the left, among the commands.
func diagram(a *catalog.Aggregate) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, "  "+format+"\n", args...) }
	b.WriteString("flowchart LR\n")

	var old []*catalog.Version
	nodes := map[*catalog.Version]string{}
	for _, e := range a.Events {
		for _, v := range e.Versions {
			class := ""
			if v.Next != nil {
				old = append(old, v)
			}
			if v.Next != nil || v.Retired {
				class = ":::old"
			}
			nodes[v] = fmt.Sprintf("e%d", len(nodes)+1)
			line("%s[%s]%s", nodes[v], label(v.String()), class)
		}
	}
	for i, c := range a.Commands {
		line("c%d([%s])", i+1, label(c.Name))
		for _, e := range c.Records {
			line("c%d --> %s", i+1, nodes[e.Last()])
		}
	}
	for _, v := range old {
		for _, to := range v.Next.To {
			edge := "-.-"
			if v.Next.Splits {
				edge = "-. any number .-"
			}
			line("%s %s %s", nodes[to], edge, nodes[v])
		}
		if len(v.Next.To) == 0 && !v.Next.Splits {
			line("dropped((dropped)):::old -.- %s", nodes[v])
		}
	}
	line("classDef old stroke-dasharray: 4 3")
	return b.String()
}

// label returns a text as Mermaid takes any.
func label(text string) string {
	return `"` + strings.NewReplacer(`"`, "#quot;", "#", "#35;", "<", "#lt;", ">", "#gt;").Replace(text) + `"`
}
