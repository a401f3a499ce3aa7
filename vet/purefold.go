package vet

import (
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"strings"

	"github.com/esgen-go/esgen/vet/internal/domain"
)

// PureFold finds what makes a replay of the same events give another state.
var PureFold = newAnalyzer("purefold", `find what makes a replay of the same events give another state

Apply bodies and upcasters run again whenever an aggregate is loaded, so they must be functions of the events
alone:

	func (a *Account) applyOpened(e Opened) {
		a.OpenedAt = time.Now() // the time of the last load
	}

In them, and in the functions of the package that they reach, it finds the clock and the local time zone, random
numbers and new ids, input and output, variables of the package that change, goroutines and channels, records of
further events, and loops over maps whose order shows in the result.

Take such values in the command, and put them into the event. A loop over a map is fine where its order
doesn't show: it fills another map, adds up integers, or what it collects is sorted.`, pureFold)

func pureFold(p *pass) {
	fold := p.domain.Fold(true)
	changed := p.changedVariables()
	for _, decl := range p.domain.Funcs {
		from := fold[p.domain.Func(decl)]
		if from == nil {
			continue
		}
		f := &foldBody{pass: p, decl: decl, changed: changed, who: from.Name()}
		if from.Name() != decl.Name.Name {
			f.who = fmt.Sprintf("%s, by way of %s,", from.Name(), decl.Name.Name)
		}
		f.check()
	}
}

// changedVariables returns the package's variables that functions other than init assign to, or to a part of them.
func (p *pass) changedVariables() map[*types.Var]bool {
	changed := map[*types.Var]bool{}
	for _, decl := range p.domain.Funcs {
		if decl.Recv == nil && decl.Name.Name == "init" {
			continue
		}
		for _, w := range p.writes.In(decl.Body) {
			if isGlobal(w.Var) {
				changed[w.Var] = true
			}
		}
	}
	return changed
}

func isGlobal(v *types.Var) bool {
	return v != nil && !v.IsField() && v.Pkg() != nil && v.Parent() == v.Pkg().Scope()
}

// foldBody is a function of the fold.
type foldBody struct {
	*pass
	decl    *ast.FuncDecl
	changed map[*types.Var]bool
	who     string
}

func (f *foldBody) report(pos token.Pos, does, remedy string) {
	f.Reportf(pos, "%s %s, so that a replay gives another state: %s", f.who, does, remedy)
}

func (f *foldBody) check() {
	writes := map[*ast.Ident]bool{}
	for _, w := range f.writes.In(f.decl.Body) {
		if isGlobal(w.Var) {
			f.report(w.Node.Pos(), "changes variable "+w.Var.Name(), "keep it in the state")
			ast.Inspect(w.To, func(n ast.Node) bool {
				if id, ok := n.(*ast.Ident); ok && f.TypesInfo.Uses[id] == w.Var {
					writes[id] = true
				}
				return true
			})
		}
	}
	utc := map[ast.Expr]bool{} // calls whose result's zone is set at once
	ast.Inspect(f.decl.Body, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.SelectorExpr:
			if n.Sel.Name == "UTC" || n.Sel.Name == "In" {
				utc[ast.Unparen(n.X)] = true
			}
		case *ast.CallExpr:
			if id, ok := ast.Unparen(n.Fun).(*ast.Ident); ok && f.TypesInfo.Uses[id] == types.Universe.Lookup("close") {
				f.report(n.Pos(), "closes a channel", "leave channels to who calls the command")
			}
			if isUnix(f.TypesInfo, n) && !utc[n] {
				f.report(n.Pos(), "takes a time in the machine's zone", "add .UTC()")
			}
		case *ast.Ident:
			if !writes[n] {
				f.mention(n)
			}
		case *ast.GoStmt:
			f.report(n.Pos(), "starts a goroutine", "do it in the caller of the command, or where events are consumed")
		case *ast.SendStmt:
			f.report(n.Pos(), "sends to a channel", "do it in the caller of the command, or where events are consumed")
		case *ast.SelectStmt:
			f.report(n.Pos(), "waits for channels", "do it in the caller of the command, or where events are consumed")
			return false
		case *ast.UnaryExpr:
			if n.Op == token.ARROW {
				f.report(n.Pos(), "receives from a channel", "put what it gives into the event")
			}
		case *ast.RangeStmt:
			t := f.TypesInfo.TypeOf(n.X)
			if _, ok := t.Underlying().(*types.Chan); ok {
				f.report(n.Pos(), "receives from a channel", "put what it gives into the event")
			}
			if f.isUnordered(n.X) {
				if shows := f.orderShows(n); shows != "" {
					f.report(n.Pos(), "lets the order of a map show ("+shows+")", "range over the sorted keys, slices.Sorted(maps.Keys(m))")
				}
			}
		}
		return true
	})
	f.collected()
}

// mention looks at the use of a function or variable.
func (f *foldBody) mention(id *ast.Ident) {
	switch obj := f.TypesInfo.Uses[id].(type) {
	case *types.Func:
		if event := domain.Recorded(obj); event != nil {
			f.Reportf(id.Pos(), "%s records an event while one is applied, and again at every replay: record it in the command", f.who)
			return
		}
		if does, remedy := impure(obj); does != "" {
			f.report(id.Pos(), does, remedy)
		}
	case *types.Var:
		if !isGlobal(obj) {
			return
		}
		switch {
		case obj.Pkg() == f.Pkg:
			if f.changed[obj] {
				f.report(id.Pos(), "reads variable "+obj.Name()+", which functions change", "put its value into the event, or keep it in the state")
			}
		case obj.Pkg().Path() == "time" && obj.Name() == "Local":
			f.report(id.Pos(), "depends on the machine's time zone", "use time.UTC, or a zone that the event names")
		case impurePackages[obj.Pkg().Path()] != "" && !types.Identical(obj.Type(), errorType):
			f.report(id.Pos(), "reads "+obj.Pkg().Name()+"."+obj.Name(), "put its value into the event")
		}
	}
}

// impurePackages are those whose functions have to do with the world, with what they do.
var impurePackages = map[string]string{
	"crypto/rand":   "takes random numbers",
	"database/sql":  "reads or writes",
	"flag":          "reads the command line",
	"io/ioutil":     "reads or writes",
	"log":           "writes a log",
	"log/slog":      "writes a log",
	"math/rand":     "takes random numbers",
	"math/rand/v2":  "takes random numbers",
	"net":           "uses the network",
	"net/http":      "uses the network",
	"net/rpc":       "uses the network",
	"net/smtp":      "uses the network",
	"os":            "asks the operating system",
	"os/exec":       "runs a program",
	"os/signal":     "asks the operating system",
	"os/user":       "asks the operating system",
	"plugin":        "loads code",
	"runtime/debug": "asks the run-time",
	"syscall":       "asks the operating system",
}

// pureIn are functions of those packages that are pure all the same.
var pureIn = map[string]bool{
	"log.Prefix": true, "net.ParseIP": true, "net.ParseCIDR": true, "net.ParseMAC": true, "net.JoinHostPort": true, "net.SplitHostPort": true,
	"net.IPv4": true, "net/http.StatusText": true, "net/http.CanonicalHeaderKey": true, "os.IsNotExist": true, "os.IsExist": true,
}

const inEvent = "take it in the command and put it into the event"

// impure says what a call of fn has to do with other things than its arguments, and what to do
// instead; "" if it is not known to.
func impure(fn *types.Func) (does, remedy string) {
	if fn.Pkg() == nil {
		return "", ""
	}
	path, name := fn.Pkg().Path(), fn.Name()
	call := fn.Pkg().Name() + "." + name
	if recv := fn.Signature().Recv(); recv != nil {
		switch {
		case path == "time" && name == "Local":
			return "depends on the machine's time zone", "use UTC, or a zone that the event names"
		case path == "math/rand" || path == "math/rand/v2":
			return "takes random numbers from " + name, inEvent
		}
	}
	switch path {
	case "time":
		switch name {
		case "Now", "Since", "Until":
			if fn.Signature().Recv() == nil {
				return "reads the clock with " + call, inEvent
			}
		case "Sleep", "After", "AfterFunc", "Tick", "NewTimer", "NewTicker":
			if fn.Signature().Recv() == nil {
				return "waits with " + call, "do it in the caller of the command"
			}
		case "LoadLocation":
			return "reads the machine's time zones with " + call, "keep times in UTC"
		}
	case "fmt":
		for _, prefix := range []string{"Print", "Fprint", "Scan", "Fscan"} {
			if strings.HasPrefix(name, prefix) {
				return "reads or writes with " + call, "do it where events are consumed"
			}
		}
	case "github.com/google/uuid", "github.com/gofrs/uuid", "github.com/gofrs/uuid/v5", "github.com/satori/go.uuid":
		if strings.HasPrefix(name, "New") && !strings.HasPrefix(name, "NewSHA1") && !strings.HasPrefix(name, "NewMD5") &&
			name != "NewV3" && name != "NewV5" && name != "NewHash" {
			return "makes a new id with " + call, inEvent
		}
	case "runtime":
		return "asks the run-time with " + call, "leave it out"
	case "path/filepath":
		if name == "Abs" || name == "Glob" || strings.HasPrefix(name, "Walk") || name == "EvalSymlinks" {
			return "reads files with " + call, inEvent
		}
	}
	if what := impurePackages[path]; what != "" && !pureIn[path+"."+name] {
		return what + " with " + call, inEvent
	}
	params := fn.Signature().Params()
	if params.Len() > 0 && isContext(params.At(0).Type()) {
		return "reads or writes with " + name + ", which takes a context", inEvent
	}
	return "", ""
}

func isContext(t types.Type) bool {
	named, ok := types.Unalias(t).(*types.Named)
	return ok && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == "context" && named.Obj().Name() == "Context"
}

// isUnix reports whether a call gives a time in the local zone.
func isUnix(info *types.Info, call *ast.CallExpr) bool {
	sel, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr)
	if !ok {
		return false
	}
	fn, ok := info.Uses[sel.Sel].(*types.Func)
	return ok && fn.Pkg() != nil && fn.Pkg().Path() == "time" && fn.Signature().Recv() == nil && strings.HasPrefix(fn.Name(), "Unix")
}
