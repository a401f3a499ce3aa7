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
	Pos     token.Position
	Message string
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
	l.problems = append(l.problems, Problem{Pos: pos, Message: message})
}

// OnLine reports whether a problem was added for the line of pos.
func (l *List) OnLine(pos token.Pos) bool {
	at := l.fset.PositionFor(pos, false)
	return slices.ContainsFunc(l.problems, func(p Problem) bool {
		return p.Pos.Filename == at.Filename && p.Pos.Line == at.Line
	})
}

// Len returns the number of problems.
func (l *List) Len() int { return len(l.problems) }

// Lines returns the problems sorted by position, without repetitions, one line each. File names
// are relative to dir where that is shorter.
func (l *List) Lines(dir string) []string {
	slices.SortStableFunc(l.problems, func(a, b Problem) int {
		return cmp.Or(
			strings.Compare(a.Pos.Filename, b.Pos.Filename),
			cmp.Compare(a.Pos.Line, b.Pos.Line),
			cmp.Compare(a.Pos.Column, b.Pos.Column),
			strings.Compare(a.Message, b.Message),
		)
	})
	lines := make([]string, 0, len(l.problems))
	for _, p := range l.problems {
		p.Pos.Filename = Relative(dir, p.Pos.Filename)
		message := strings.Join(strings.Fields(p.Message), " ")
		lines = append(lines, p.Pos.String()+": "+message)
	}
	return slices.Compact(lines)
}

// Relative returns path relative to dir if that is shorter, else path.
func Relative(dir, path string) string {
	if rel, err := filepath.Rel(dir, path); err == nil && len(rel) < len(path) {
		return rel
	}
	return path
}
