package emit

import (
	"bytes"
	"go/parser"
	"go/token"
	"path"
	"strconv"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

// importNames returns the names of the packages that the code may import.
func (w *writer) importNames() map[string]string {
	known := map[string]string{}
	for _, p := range []string{es, codec, aggregate, repository, upcast, upcasttest} {
		known[p] = path.Base(p)
	}
	for _, p := range w.Types.Imports() {
		known[p.Path()] = p.Name()
		for _, q := range p.Imports() {
			known[q.Path()] = q.Name()
		}
	}
	return known
}

// clashes returns other names for the imports of a file that need one, by path.
func (w *writer) clashes(src []byte) (map[string]string, error) {
	file, err := parser.ParseFile(token.NewFileSet(), "", src, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	clashes := map[string]string{}
	known := w.importNames()
	for _, spec := range file.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return nil, err
		}
		name := known[p]
		if spec.Name != nil {
			name = spec.Name.Name
		} else if name == "" {
			name = path.Base(p)
		}
		if w.meansOther(name) {
			clashes[p] = w.otherName(name)
		}
	}
	return clashes, nil
}

// otherName returns a free name for an import that would be called name.
func (w *writer) otherName(name string) string {
	alias := name + "pkg"
	for i := 2; w.meansOther(alias); i++ {
		alias = name + "pkg" + strconv.Itoa(i)
	}
	return alias
}

// groupImports puts the standard library's packages before the others, as people do.
func (w *writer) groupImports(src []byte) []byte {
	const open, end = "\nimport (\n", "\n)\n"
	before, rest, ok := bytes.Cut(src, []byte(open))
	block, after, closed := bytes.Cut(rest, []byte(end))
	if !ok || !closed {
		return src
	}
	var std, others []string
	for line := range strings.SplitSeq(string(block), "\n") {
		_, quoted, _ := strings.Cut(line, `"`)
		if shape.IsStandard(w.Path, quoted) {
			std = append(std, line)
		} else {
			others = append(others, line)
		}
	}
	if len(std) == 0 || len(others) == 0 {
		return src
	}
	grouped := strings.Join(std, "\n") + "\n\n" + strings.Join(others, "\n")
	return []byte(string(before) + open + grouped + end + string(after))
}
