package docs

import (
	"fmt"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/catalog"
)

// diagram returns a Mermaid flowchart of an aggregate: commands, the events that they record, and
// what old versions become.
func diagram(a *catalog.Aggregate) string {
	var b strings.Builder
	nodes := map[any]string{}
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	line("flowchart LR")
	if len(a.Commands) > 0 {
		line("  subgraph commands [Commands]")
		for i, c := range a.Commands {
			nodes[c] = fmt.Sprintf("c%d", i+1)
			line("    %s([%s])", nodes[c], label(c.Name))
		}
		line("  end")
	}
	var old, latest []*catalog.Version
	for _, e := range a.Events {
		for _, v := range e.Versions {
			if v.Next != nil {
				old = append(old, v)
			} else {
				latest = append(latest, v)
			}
		}
	}
	for i, v := range latest {
		nodes[v] = fmt.Sprintf("e%d", i+1)
	}
	for i, v := range old {
		nodes[v] = fmt.Sprintf("o%d", i+1)
	}
	line("  subgraph events [%s]", label("Events of "+a.Go))
	for _, v := range latest {
		line("    %s[%s]", nodes[v], label(v.String()))
	}
	line("  end")
	if len(old) > 0 {
		line("  subgraph stored [Old versions, still read]")
		for _, v := range old {
			line("    %s[%s]:::old", nodes[v], label(v.String()))
		}
		line("  end")
	}
	for _, c := range a.Commands {
		for _, e := range c.Records {
			line("  %s --> %s", nodes[c], nodes[e.Last()])
		}
	}
	for i, v := range old {
		for _, to := range v.Next.To {
			arrow := "-.->"
			if v.Next.Splits {
				arrow = "-. any number .->"
			}
			line("  %s %s %s", nodes[v], arrow, nodes[to])
		}
		if len(v.Next.To) == 0 && !v.Next.Splits {
			line("  d%d((dropped)):::old", i+1)
			line("  %s -.-> d%d", nodes[v], i+1)
		}
	}
	if len(old) > 0 {
		line("  classDef old stroke-dasharray: 4 3")
	}
	return b.String()
}

// label returns a text as Mermaid takes any.
func label(text string) string {
	return `"` + strings.NewReplacer(`"`, "#quot;", "#", "#35;", "<", "#lt;", ">", "#gt;").Replace(text) + `"`
}
