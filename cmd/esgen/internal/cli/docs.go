package cli

import (
	"context"
	"path/filepath"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/catalog"
	"github.com/esgen-go/esgen/cmd/esgen/internal/docs"
	"github.com/esgen-go/esgen/cmd/esgen/internal/output"
)

func docsCommand() *command {
	return &command{name: "docs", summary: "write the catalogue of events", usage: docsUsage, run: runDocs}
}

const docsUsage = `esgen docs writes an event catalogue: what is stored, and by which commands.

Usage:

	esgen docs [-check] [-o folder] [-id uri] [-v] [packages]

The packages are those below the current folder (./...) if none are named. It writes

	README.md           the list of aggregates
	account/README.md   an aggregate: a diagram, its commands with the events that they
	                    record, its events with all versions, retired ones too
	account/account.opened.v2.json
	                    JSON Schema (2020-12) of each version's payload
	asyncapi.json       AsyncAPI 3.0: a channel an aggregate, a message a version

from directives, types and doc comments, and removes what it wrote before and is no
longer needed. A command is an exported method or function that records events, itself
or by what it calls in its package. The diagrams are Mermaid, which GitHub and others
draw.

Flags:

	-check    write nothing; tell which files are missing, stale or orphaned
	-o path   the folder (default docs/events)
	-id uri   what the schemas' $id begins with (default https:// and the module's path
	          and /events)
	-v        tell what is read and written, and when
	-h        print this

Exit status:

	0  done; with -check: everything is current
	1  the packages have problems, one a line as file:line:col: message; with -check:
	   something is not current
	2  wrong usage, or esgen couldn't do its work

Examples:

	go tool esgen docs
	go tool esgen docs -check   in CI
`

func runDocs(ctx context.Context, in *invocation, args []string) int {
	g := newGeneration(in)
	flags := in.flags()
	g.flags(flags)
	check := flags.Bool("check", false, "")
	folder := flags.String("o", filepath.Join("docs", "events"), "")
	base := flags.String("id", "", "")
	if status, done := in.parse(flags, args); done {
		return status
	}
	g.patterns = orAll(flags.Args())
	if !filepath.IsAbs(*folder) {
		*folder = filepath.Join(in.dir, *folder)
	}
	changes, err := g.catalogue(ctx, *folder, *base)
	if status := g.status(err); status != OK {
		return status
	}
	if *check {
		return g.drift(changes, "run esgen docs")
	}
	status := g.apply(changes)
	output.Tidy(*folder, changes)
	return status
}

// catalogue returns what is to be changed in the catalogue's folder.
func (g *generation) catalogue(ctx context.Context, folder, base string) ([]*output.Change, error) {
	models, err := g.load(ctx)
	if err != nil || g.problems.Len() > 0 {
		return nil, err
	}
	module := ""
	for _, m := range models {
		if module == "" || m.Module != "" && len(m.Module) < len(module) {
			module = m.Module
		}
	}
	if base == "" {
		base = "https://" + module + "/events"
	}
	c := catalog.Build(module, models, g.problems)
	return output.PlanFolder(folder, docs.Files(c, strings.TrimSuffix(base, "/")), docs.Header, g.problems)
}
