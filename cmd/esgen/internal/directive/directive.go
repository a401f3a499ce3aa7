// Package directive reads esgen's directives, which are comments of the form
//
//	//esgen:name argument=value …
//
// at the end of the doc comment of a declaration.
package directive

import (
	"go/ast"
	"go/token"
	"slices"
	"strings"
	"unicode"

	"github.com/esgen-go/esgen/cmd/esgen/internal/problem"
)

// Kind is the name of a directive.
type Kind string

// The directives.
const (
	Aggregate Kind = "aggregate"
	Event     Kind = "event"
	Upcast    Kind = "upcast"
	Retired   Kind = "retired" // beside Event
	Drop      Kind = "drop"    // beside Aggregate, any number of times
)

// ignore is for esgen vet, and stands anywhere.
const ignore = "ignore"

var kinds = []string{string(Aggregate), string(Event), string(Upcast), string(Retired), string(Drop)}

// arguments has the arguments that each directive takes.
var arguments = map[Kind][]string{
	Aggregate: {"fold", "name", "new"},
	Event:     {"aggregate", "allow", "apply", "name", "version", "was"},
	Upcast:    {"name", "version"},
	Retired:   nil,
	Drop:      {"name"},
}

// Directive is one directive.
type Directive struct {
	Kind Kind
	Pos  token.Pos
	Args map[string]Arg
}

// Arg is the value of one argument.
type Arg struct {
	Value string
	Pos   token.Pos
}

// Parse reads one comment. It returns false if the comment is no directive of
// esgen's; one that is meant to be and is not well-formed is a problem.
func Parse(c *ast.Comment, problems *problem.List) (Directive, bool) {
	d, ok := ast.ParseDirective(c.Slash, c.Text)
	if !ok {
		parseNearMiss(c, problems)
		return Directive{}, false
	}
	if d.Tool != "esgen" {
		if slices.Contains(kinds, d.Name) && problem.Nearest(d.Tool, "esgen") != "" {
			problems.At(d.Slash, "directive //%s:%s is misspelt: write //esgen:%s", d.Tool, d.Name, strings.TrimSpace(d.Name+" "+d.Args))
		}
		return Directive{}, false
	}
	if d.Name == ignore {
		return Directive{}, false
	}
	kind := Kind(d.Name)
	if !slices.Contains(kinds, d.Name) {
		problems.At(d.Slash, "unknown directive //esgen:%s%s: esgen knows //esgen:aggregate, //esgen:drop, //esgen:event, //esgen:retired and //esgen:upcast",
			d.Name, problem.DidYouMean(d.Name, kinds...))
		return Directive{}, false
	}
	return Directive{Kind: kind, Pos: d.Slash, Args: parseArgs(kind, d, problems)}, true
}

func parseArgs(kind Kind, d ast.Directive, problems *problem.List) map[string]Arg {
	fields, err := d.ParseArgs()
	if err != nil {
		problems.At(d.ArgsPos, "malformed arguments of //esgen:%s: write name=value, without quotes, separated by spaces", kind)
		return nil
	}
	args := make(map[string]Arg, len(fields))
	malformed := false // of "name = value" all three parts are
	for _, f := range fields {
		key, value, ok := strings.Cut(f.Arg, "=")
		switch {
		case len(arguments[kind]) == 0:
			problems.At(f.Pos, "//esgen:%s takes no arguments: remove %q", kind, f.Arg)
			return args
		case malformed && (!ok || key == "" || value == ""):
		case !ok || key == "" || value == "":
			malformed = true
			problems.At(f.Pos, "malformed argument %q of //esgen:%s: write name=value without spaces around the =", f.Arg, kind)
		case !slices.Contains(arguments[kind], key):
			problems.At(f.Pos, "//esgen:%s has no argument %q%s: it takes %s", kind, key,
				problem.DidYouMean(key, arguments[kind]...), strings.Join(arguments[kind], "=, ")+"=")
		case args[key].Value != "":
			problems.At(f.Pos, "argument %s= is given twice: keep one of %s=%s and %[1]s=%[4]s", key, key, args[key].Value, value)
		default:
			args[key] = Arg{Value: value, Pos: f.Pos}
		}
	}
	return args
}

// parseNearMiss reports comments that look like a directive to people but are none
// to Go's tools: "// esgen:event", "//esgen: event", "//Esgen:event", "/*esgen:event*/".
func parseNearMiss(c *ast.Comment, problems *problem.List) {
	for i, line := range strings.Split(c.Text, "\n") {
		if i > 0 && !strings.HasPrefix(c.Text, "/*") {
			return
		}
		line = strings.TrimLeft(strings.TrimSuffix(line, "*/"), "/*+@ ")
		tool, rest, ok := strings.Cut(line, ":")
		if !ok || !strings.EqualFold(strings.TrimSpace(tool), "esgen") {
			continue
		}
		// In prose a word follows that is no directive's name.
		name, args, _ := strings.Cut(strings.TrimLeftFunc(rest, unicode.IsSpace), " ")
		spaced := len(rest) > 0 && unicode.IsSpace(rune(rest[0]))
		near := problem.Nearest(strings.ToLower(strings.TrimSpace(name)), kinds...)
		if near == "" || spaced && !slices.Contains(kinds, name) {
			continue
		}
		problems.At(c.Slash, "%q is no directive and has no effect: write //esgen:%s, without a space and in lower case",
			firstLine(c.Text), strings.TrimSpace(near+" "+args))
		return
	}
}

func firstLine(s string) string {
	s, _, _ = strings.Cut(s, "\n")
	return strings.TrimSpace(s)
}
