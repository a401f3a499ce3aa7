// Package guides keeps the code in the documentation true, for tests: what a guide shows is code that is
// compiled and run.
package guides

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Blocks returns the code blocks of a language in a Markdown file, in order.
func Blocks(t testing.TB, file, language string) (blocks []string) {
	t.Helper()
	rest := read(t, file)
	for {
		_, after, found := strings.Cut(rest, "\n```"+language+"\n")
		if !found {
			break
		}
		block, more, closed := strings.Cut(after, "\n```\n")
		if !closed {
			t.Fatalf("%s: a block of %s has no end", file, language)
		}
		blocks, rest = append(blocks, block+"\n"), "\n"+more
	}
	if len(blocks) == 0 {
		t.Fatalf("%s has no block of %s", file, language)
	}
	return blocks
}

// Quotes fails the test unless every Go block of a Markdown file stands, but for its indentation, in a source
// file of one of the directories.
func Quotes(t testing.TB, file string, directories ...string) {
	t.Helper()
	var code strings.Builder
	for _, dir := range directories {
		sources, err := filepath.Glob(filepath.Join(dir, "*.go"))
		if err != nil || len(sources) == 0 {
			t.Fatalf("no Go files in %s: %v", dir, err)
		}
		for _, source := range sources {
			code.WriteString(flat(read(t, source)))
		}
	}
	for _, block := range Blocks(t, file, "go") {
		if !strings.Contains(code.String(), flat(block)) {
			t.Errorf("%s shows what is not in the code of %s:\n%s", file, strings.Join(directories, ", "), block)
		}
	}
}

// flat removes the indentation of all lines, and empty ones.
func flat(code string) string {
	var b strings.Builder
	for line := range strings.Lines(code) {
		if line = strings.TrimSpace(line); line != "" {
			b.WriteString(line + "\n")
		}
	}
	return b.String()
}

func read(t testing.TB, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(text), "\r\n", "\n")
}
