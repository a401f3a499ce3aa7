package vet

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"

	"golang.org/x/tools/go/analysis"
)

// Ignore finds //esgen:ignore comments that say too little, or name no analyzer.
var Ignore = &analysis.Analyzer{
	Name: "ignore",
	Doc: `find //esgen:ignore comments without a reason, or of an unknown analyzer

A finding is ignored by a comment on its line or on the line above:

	//esgen:ignore statechange the balance is repaired by hand, see #12

The first word is the analyzer's name. What follows is the reason, for whoever reads
the code next. A comment that ignores nothing is reported by the analyzer that it names.`,
	URL: "https://pkg.go.dev/github.com/esgen-go/esgen/vet#ignore",
}

func init() { Ignore.Run = runIgnore } // which refers to all analyzers

func runIgnore(p *analysis.Pass) (any, error) {
	for _, c := range ignoreComments(p) {
		name, reason := c.parts()
		switch {
		case !slices.ContainsFunc(Analyzers(), func(a *analysis.Analyzer) bool { return a.Name == name && a != Ignore }):
			p.Reportf(c.Slash, "//esgen:ignore names no analyzer: write //esgen:ignore NAME REASON, with a name that esgen help vet lists")
		case reason == "":
			p.Reportf(c.Slash, "//esgen:ignore %s gives no reason: write it after the name", name)
		}
	}
	return nil, nil
}

type ignoreComment struct{ ast.Directive }

func (c ignoreComment) parts() (name, reason string) {
	name, reason, _ = strings.Cut(c.Args, " ")
	return name, strings.TrimSpace(reason)
}

func ignoreComments(p *analysis.Pass) []ignoreComment {
	var all []ignoreComment
	for _, file := range p.Files {
		for _, group := range file.Comments {
			for _, c := range group.List {
				if d, ok := ast.ParseDirective(c.Slash, c.Text); ok && d.Tool == "esgen" && d.Name == "ignore" {
					all = append(all, ignoreComment{d})
				}
			}
		}
	}
	return all
}

// ignores are the comments that name one analyzer, by the line that they stand on.
type ignores map[line]*ignored

type line struct {
	file string
	line int
}

type ignored struct {
	pos  token.Pos
	used bool
}

func ignoresOf(p *analysis.Pass) ignores {
	all := ignores{}
	for _, c := range ignoreComments(p) {
		if name, reason := c.parts(); name == p.Analyzer.Name && reason != "" {
			all[lineOf(p, c.Slash)] = &ignored{pos: c.Slash}
		}
	}
	return all
}

func lineOf(p *analysis.Pass, pos token.Pos) line {
	at := p.Fset.PositionFor(pos, false)
	return line{at.Filename, at.Line}
}

// cover reports whether a finding is to be ignored.
func (i ignores) cover(p *analysis.Pass, pos token.Pos) bool {
	at := lineOf(p, pos)
	for _, l := range []line{at, {at.file, at.line - 1}} {
		if found := i[l]; found != nil {
			found.used = true
			return true
		}
	}
	return false
}

func (i ignores) reportUnused(p *analysis.Pass) {
	for _, found := range i {
		if !found.used {
			p.Reportf(found.pos, "//esgen:ignore %s ignores nothing: remove it", p.Analyzer.Name)
		}
	}
}
