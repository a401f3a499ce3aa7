package model

import (
	"go/token"
	"go/types"
	"slices"
	"strconv"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/compat"
	"github.com/esgen-go/esgen/cmd/esgen/internal/directive"
	"github.com/esgen-go/esgen/cmd/esgen/internal/load"
	"github.com/esgen-go/esgen/cmd/esgen/internal/lock"
	"github.com/esgen-go/esgen/cmd/esgen/internal/names"
	"github.com/esgen-go/esgen/cmd/esgen/internal/problem"
)

const (
	maxEventName = 200
	maxSchema    = 1<<31 - 1
)

// Build builds the model of one package with its lock, as it is and what of it is frozen. With problems it is
// incomplete.
func Build(p *load.Package, working, frozen *lock.Lock, problems *problem.List) *Package {
	known := frozen.Join(working, func(*lock.Version) bool { return true })
	b := &builder{
		Package:    &Package{Package: p, Lock: working, Frozen: frozen, known: known},
		problems:   problems,
		aggregates: map[string]*Aggregate{},
		structs:    map[string]*eventStruct{},
		events:     map[string]*Event{},
	}
	for _, d := range p.Directives {
		if d.Kind == directive.Aggregate {
			b.aggregate(d)
		}
	}
	b.nameFunctions()
	for _, d := range p.Directives {
		if d.Kind == directive.Event {
			if !b.event(d) {
				b.doubt(d.Type.Name.Name)
			}
		}
	}
	for _, d := range p.Directives {
		if d.Kind == directive.Upcast {
			if !b.upcast(d) {
				b.doubt(directive.Mentioned(d.Func.Type)...)
			}
		}
	}
	b.resolveAll()
	return b.Package
}

type builder struct {
	*Package
	problems   *problem.List
	collisions []collision
	aggregates map[string]*Aggregate // by Go name
	structs    map[string]*eventStruct
	order      []*eventStruct // as declared
	upcasts    []*upcast
	raws       []*upcast         // those of JSON texts
	events     map[string]*Event // by stored name
}

func (b *builder) aggregate(d directive.Attached) {
	named := b.structType(d)
	if named == nil {
		return
	}
	a := &Aggregate{Go: d.Type.Name.Name, Type: named, Pos: d.Type.Name.Pos()}
	a.Category, _ = value(d, "name", names.Snake(a.Go))
	if !isCategory(a.Category) {
		b.problems.At(argPos(d, "name"), "category %q of aggregate %s has characters other than a-z, 0-9 and _: write name=%s",
			a.Category, a.Go, suggestCategory(a.Category))
		return
	}
	for _, other := range b.Aggregates {
		if other.Category == a.Category {
			b.problems.At(argPos(d, "name"), "aggregates %s and %s have the same category %q: give one of them another name=", other.Go, a.Go, a.Category)
		}
	}
	if a.Fold, _ = value(d, "fold", ""); a.Fold != "" && !isEventName(a.Fold) {
		b.problems.At(argPos(d, "fold"), "fold=%s is not made of 1 to %d letters, digits and _.:/- in ASCII: write one such as fold=2", a.Fold, maxEventName)
	}
	a.New, _ = value(d, "new", "")
	if a.New != "" && !canBeFunction(a.New) {
		b.problems.At(argPos(d, "new"), "new=%s can't be the name of a function: write new=New%s", a.New, names.Upper(a.Go))
		a.New = ""
	}
	b.aggregates[a.Go] = a
	b.Aggregates = append(b.Aggregates, a)
}

// canBeFunction reports whether a generated function can have a name without a change to what other
// code means by it.
func canBeFunction(name string) bool {
	return token.IsIdentifier(name) && name != "_" && name != "init" && name != "main" && types.Universe.Lookup(name) == nil
}

// nameFunctions gives the generated functions short names where the package is about one
// aggregate of its own name.
func (b *builder) nameFunctions() {
	for _, a := range b.Aggregates {
		name := names.Upper(a.Go)
		if len(b.Aggregates) == 1 && strings.EqualFold(a.Go, b.Name) {
			name = ""
		}
		if a.New == "" {
			a.New = "New" + name
		}
		a.NewRepository, a.Decode = "New"+name+"Repository", "Decode"+name
	}
}

// eventStruct is a struct that is, or may turn out to be, a version of an event.
type eventStruct struct {
	directive.Attached // zero if the struct has no directive
	goName             string
	named              *types.Named
	from               *upcast // that takes it
	version            *Version
	inferred           bool // the version is, from that to which from leads
	retired            bool
	state              resolution
}

type resolution int

const (
	unresolved resolution = iota
	resolving
	resolved
)

// event adds a struct with its directive. It returns false if there is anything wrong with that,
// which has been reported.
func (b *builder) event(d directive.Attached) bool {
	named := b.structType(d)
	if named == nil {
		return false
	}
	before := b.problems.Len()
	s := &eventStruct{Attached: d, goName: d.Type.Name.Name, named: named}
	if name, given := value(d, "name", ""); given && !isEventName(name) {
		b.problems.At(argPos(d, "name"), "event name %q is not made of 1 to %d letters, digits and _.:/- in ASCII: write one such as name=order.placed", name, maxEventName)
		delete(d.Args, "name")
	}
	if text, given := value(d, "version", ""); given {
		if n, err := strconv.Atoi(text); err != nil || n < 1 || n > maxSchema || strconv.Itoa(n) != text {
			b.problems.At(argPos(d, "version"), "version=%s is no schema version: write a whole number from 1, such as version=2", text)
			delete(d.Args, "version")
		}
	}
	if names, given := value(d, "was", ""); given {
		for name := range strings.SplitSeq(names, ",") {
			if !isEventName(name) {
				b.problems.At(argPos(d, "was"), "was=%s names no event: write its former name, or several with commas between", names)
				delete(d.Args, "was")
				break
			}
		}
	}
	if allowed, given := value(d, "allow", ""); given {
		b.checkAllow(argPos(d, "allow"), allowed)
	}
	if how, given := value(d, "apply", ""); given && how != "assign" {
		b.problems.At(argPos(d, "apply"), "apply=%s is unknown%s: write apply=assign to have the body generated, or leave it out and write the apply method",
			how, problem.DidYouMean(how, "assign"))
		delete(d.Args, "apply")
	}
	s.retired = slices.ContainsFunc(b.Directives, func(o directive.Attached) bool { return o.Kind == directive.Retired && o.Type == d.Type })
	b.structs[s.goName] = s
	b.order = append(b.order, s)
	return b.problems.Len() == before
}

// checkAllow reports exceptions of which no finding can be.
func (b *builder) checkAllow(pos token.Pos, allowed string) {
	var rules []string
	for _, r := range compat.All() {
		rules = append(rules, string(r))
	}
	for exception := range strings.SplitSeq(allowed, ",") {
		if rule, _, _ := strings.Cut(exception, ":"); !slices.Contains(rules, rule) {
			b.problems.At(pos, "allow=%s names no rule%s: write the rule and the path of a finding, such as allow=%s:status", exception, problem.DidYouMean(rule, rules...), compat.EnumValueRemoved)
		}
	}
}

// doubt notes that nothing more is to be told of the events that these types are versions of.
func (b *builder) doubt(types ...string) {
	for _, name := range types {
		b.Doubtful[name] = true
	}
}

// structType returns the type that an aggregate's or event's directive is on, nil if it is none that can be.
func (b *builder) structType(d directive.Attached) *types.Named {
	spec, article := d.Type, "an event"
	if d.Kind == directive.Aggregate {
		article = "an aggregate"
	}
	obj, _ := b.Info.Defs[spec.Name].(*types.TypeName)
	if spec.Assign.IsValid() {
		b.problems.At(spec.Name.Pos(), "%s is an alias and can't be %s: declare a struct type of its own, type %[1]s struct { … }", spec.Name.Name, article)
		return nil
	}
	if spec.TypeParams != nil {
		b.problems.At(spec.Name.Pos(), "%s has type parameters and can't be %s: declare a struct type for each instance", spec.Name.Name, article)
		return nil
	}
	if obj == nil {
		return nil // redeclared: the type-checker has told
	}
	named, ok := obj.Type().(*types.Named)
	if !ok {
		return nil
	}
	if !isStruct(named) {
		if named.Underlying() != types.Typ[types.Invalid] {
			b.problems.At(spec.Name.Pos(), "%s is no struct and can't be %s: write type %[1]s struct { … }", spec.Name.Name, article)
		}
		return nil
	}
	return named
}

func isStruct(t types.Type) bool {
	_, ok := t.Underlying().(*types.Struct)
	return ok
}

// value returns the value of an argument, or else the default and false.
func value(d directive.Attached, key, otherwise string) (string, bool) {
	if arg, ok := d.Args[key]; ok {
		return arg.Value, true
	}
	return otherwise, false
}

// argPos returns the position of an argument, or else of the declared name.
func argPos(d directive.Attached, key string) token.Pos {
	if arg, ok := d.Args[key]; ok {
		return arg.Pos
	}
	return d.Type.Name.Pos()
}

func isCategory(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

func suggestCategory(s string) string {
	s = strings.Map(func(r rune) rune {
		if r > 127 || !isCategory(string(r)) {
			return '_'
		}
		return r
	}, strings.ToLower(s))
	if s = strings.Trim(s, "_"); s == "" {
		return "account"
	}
	return s
}

func isEventName(s string) bool {
	for _, r := range s {
		if r > 127 || r < '-' || !strings.ContainsRune("_.:/-", r) &&
			!(r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z') {
			return false
		}
	}
	return s != "" && len(s) <= maxEventName
}
