// Package problem collects what esgen finds wrong with the packages of a run,
// so that all of it is reported at once.
package problem

import (
	"cmp"
	"fmt"
	"go/token"
	"path/filepath"
	"slices"
	"strings"
)

// Problem is one finding: where it is, what is wrong and what to write instead.
type Problem struct {
	Pos     token.Position // of a whole file, the line is 0
	Message string
	Detail
}

// Detail is what the message of a changed event says, in parts, for tools. It is empty for other problems.
type Detail struct {
	Rule     string `json:"rule,omitempty"`
	Event    string `json:"event,omitempty"`
	Version  int    `json:"version,omitempty"` // that is locked
	Path     string `json:"path,omitempty"`
	From     string `json:"from,omitempty"`
	To       string `json:"to,omitempty"`
	Verdict  string `json:"verdict,omitempty"`
	Remedy   string `json:"remedy,omitempty"`
	Harmless bool   `json:"harmless,omitempty"` // nothing needs to be done
}

// List collects problems. It is not safe for concurrent use.
type List struct {
	fset     *token.FileSet
	problems []Problem
}

// NewList returns an empty list for positions of fset.
func NewList(fset *token.FileSet) *List { return &List{fset: fset} }

// At adds a problem at pos. The message says what is wrong and then what to write.
func (l *List) At(pos token.Pos, format string, args ...any) {
	// Unadjusted: a //line comment must not send people to another file.
	l.Add(l.fset.PositionFor(pos, false), fmt.Sprintf(format, args...))
}

// Add adds a problem whose position is known already.
func (l *List) Add(pos token.Position, message string) {
	l.AddDetailed(pos, message, Detail{})
}

// AddDetailed adds a problem with what tools want to know of it.
func (l *List) AddDetailed(pos token.Position, message string, detail Detail) {
	l.problems = append(l.problems, Problem{pos, message, detail})
}

// OnLine reports whether a problem was added for the line of pos.
func (l *List) OnLine(pos token.Pos) bool {
	at := l.fset.PositionFor(pos, false)
	return slices.ContainsFunc(l.problems, func(p Problem) bool {
		return p.Pos.Filename == at.Filename && p.Pos.Line == at.Line
	})
}

// In reports whether a problem was added for a file in a folder.
func (l *List) In(dir string) bool {
	return slices.ContainsFunc(l.problems, func(p Problem) bool { return filepath.Dir(p.Pos.Filename) == dir })
}

// Len returns the number of problems.
func (l *List) Len() int { return len(l.problems) }

// Lines returns the problems sorted by position, without repetitions, one line each. File names
// are relative to dir where that is shorter.
func (l *List) Lines(dir string) []string {
	var lines []string
	for _, p := range l.sorted(dir) {
		lines = append(lines, p.line())
	}
	return lines
}

// sorted returns the problems by position, without repetitions, with messages of one line.
func (l *List) sorted(dir string) []Problem {
	slices.SortStableFunc(l.problems, func(a, b Problem) int {
		return cmp.Or(
			strings.Compare(a.Pos.Filename, b.Pos.Filename),
			cmp.Compare(a.Pos.Line, b.Pos.Line),
			cmp.Compare(a.Pos.Column, b.Pos.Column),
			strings.Compare(a.Message, b.Message),
		)
	})
	sorted := slices.Clone(l.problems)
	for i := range sorted {
		sorted[i].Pos.Filename = Relative(dir, sorted[i].Pos.Filename)
		sorted[i].Message = strings.Join(strings.Fields(sorted[i].Message), " ")
	}
	return slices.CompactFunc(sorted, func(a, b Problem) bool { return a.Pos == b.Pos && a.Message == b.Message })
}

// Relative returns path relative to dir if that is shorter, else path.
func Relative(dir, path string) string {
	if rel, err := filepath.Rel(dir, path); err == nil && len(rel) < len(path) {
		return rel
	}
	return path
}
