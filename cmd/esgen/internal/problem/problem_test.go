package problem_test

import (
	"go/token"
	"slices"
	"testing"

	"github.com/esgen-go/esgen/cmd/esgen/internal/problem"
)

func TestLinesAreSortedRelativeAndUnique(t *testing.T) {
	t.Parallel()
	l := problem.NewList(token.NewFileSet())
	l.Add(token.Position{Filename: "/m/b.go", Line: 1, Column: 2}, "second\nfile")
	l.Add(token.Position{Filename: "/m/a.go", Line: 10, Column: 1}, "late")
	l.Add(token.Position{Filename: "/m/a.go", Line: 9, Column: 1}, "early")
	l.Add(token.Position{Filename: "/m/a.go", Line: 9, Column: 1}, "early")
	want := []string{"a.go:9:1: early", "a.go:10:1: late", "b.go:1:2: second file"}
	if got := l.Lines("/m"); !slices.Equal(got, want) {
		t.Errorf("Lines = %q, want %q", got, want)
	}
}

func TestNearestFindsMisspellingsOnly(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"evnet": "event", "agregate": "aggregate", "upcaster": "upcast", "event": "event",
		"x": "", "projection": "", "": "",
	} {
		if got := problem.Nearest(name, "aggregate", "event", "upcast"); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}
