package scaffold

import (
	"fmt"
	"go/token"
	"go/types"
	"path/filepath"
	"slices"
	"strings"
	"unicode"

	"github.com/esgen-go/esgen/cmd/esgen/internal/names"
)

// Names are what an aggregate and its package are called.
type Names struct {
	Type     string // Go name of the state
	Package  string
	Category string
}

// taken has names that the scaffolded package or its test needs for something else.
var taken = map[string]string{
	"created":       "it is the name of an event",
	"renamed":       "it is the name of an event",
	"decode":        "it is the name of a generated function",
	"t":             "the tests have a variable of that name",
	"testing":       "the tests import a package of that name",
	"aggregatetest": "the tests import a package of that name",
	"main":          "package main is a program's",
	"internal":      "a folder of that name hides packages",
	"vendor":        "a folder of that name is the go command's",
	"testdata":      "a folder of that name is left out by the go command",
}

// ParseName returns the names that follow from that of a folder: order_line gives package
// orderline with OrderLine. The category is the folder's name unless another one is given.
func ParseName(folder, category string) (Names, error) {
	if reason := unfit(folder); reason != "" {
		err := fmt.Errorf("%q can't be the name of an aggregate's package: %s", folder, reason)
		if instead := suggest(folder); instead != "" {
			err = fmt.Errorf("%w: write %s", err, instead)
		}
		return Names{}, err
	}
	n := Names{Package: packageName(folder), Category: folder}
	for part := range strings.SplitSeq(folder, "_") {
		n.Type += names.Upper(part)
	}
	if category != "" {
		if !isCategory(category) {
			return Names{}, fmt.Errorf("%q can't be a category: it is made of the letters from a to z, digits and _", category)
		}
		n.Category = category
	}
	return n, nil
}

func packageName(folder string) string { return strings.ReplaceAll(folder, "_", "") }

// unfit returns why a folder's name can't be used, "" if it can.
func unfit(folder string) string {
	name := packageName(folder)
	switch {
	case !isWord(folder):
		return "it has to begin with a letter from a to z, followed by such letters, digits and single _"
	case token.IsKeyword(name):
		return name + " is a keyword of Go"
	case types.Universe.Lookup(name) != nil:
		return name + " has a meaning in all of Go"
	}
	return taken[name]
}

// NameArg returns the category if esgen would not derive it from the type's name.
func (n Names) NameArg() string {
	if names.Snake(n.Type) == n.Category {
		return ""
	}
	return n.Category
}

func isWord(s string) bool {
	return isCategory(s) && s[0] >= 'a' && s[0] <= 'z' && !strings.HasSuffix(s, "_") && !strings.Contains(s, "__")
}

func isCategory(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// suggest returns a name near s that can be an aggregate's, "" if there is none.
func suggest(s string) string {
	s = names.Snake(strings.Map(func(r rune) rune {
		if r > unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return '_'
		}
		return r
	}, s))
	s = strings.Join(strings.FieldsFunc(s, func(r rune) bool { return r == '_' }), "_")
	s = strings.TrimLeft(s, "0123456789_")
	if s == "" {
		return ""
	}
	for _, instead := range []string{s, s + "s"} {
		if unfit(instead) == "" {
			return instead
		}
	}
	return ""
}

// hidden returns the element of a path below a module's root that keeps the go command from finding
// packages below it, "" if there is none.
func hidden(path string) string {
	elements := strings.Split(filepath.ToSlash(path), "/")
	i := slices.IndexFunc(elements, func(e string) bool {
		return strings.HasPrefix(e, "_") || strings.HasPrefix(e, ".") && e != "." || e == "testdata" || e == "vendor"
	})
	if i < 0 {
		return ""
	}
	return elements[i]
}
