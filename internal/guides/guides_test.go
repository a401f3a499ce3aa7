package guides

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"
)

// recorder takes failures that are meant.
type recorder struct {
	testing.TB
	failures int
}

func (r *recorder) Helper()               {}
func (r *recorder) Errorf(string, ...any) { r.failures++ }

func TestOnlyCodeThatIsThereCanBeQuoted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	source := "package p\n\nfunc f() {\n\tif a {\n\n\t\tb()\n\t}\n}\n"
	if err := os.WriteFile(filepath.Join(dir, "p.go"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	guide := filepath.Join(dir, "guide.md")
	for block, failures := range map[string]int{
		"if a {\n\tb()\n}\n":          0,
		"func f() {\n\tif a {\n":      0,
		"if a {\n\tc()\n}\n":          1,
		"if a {\n}\n":                 1,
		"b()\n```\nand\n```go\nd()\n": 1,
	} {
		if err := os.WriteFile(guide, fmt.Appendf(nil, "# Text\n\n```go\n%s```\n\n```sh\nls\n```\n", block), 0o600); err != nil {
			t.Fatal(err)
		}
		r := &recorder{TB: t}
		if Quotes(r, guide, dir); r.failures != failures {
			t.Errorf("%q: %d failures, want %d", block, r.failures, failures)
		}
		if got := Blocks(t, guide, "sh"); !slices.Equal(got, []string{"ls\n"}) {
			t.Errorf("blocks of sh: %q", got)
		}
	}
}
