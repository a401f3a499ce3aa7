package shape

import (
	"go/types"
	"strings"
)

// CanName reports whether code of package user can mention t: it is the package's own, or
// exported by a package that the go command lets it import.
func CanName(user *types.Package, t *types.Named) bool {
	pkg := t.Obj().Pkg()
	if pkg == nil || user == nil || pkg == user {
		return true
	}
	return t.Obj().Exported() && canImport(user.Path(), pkg.Path())
}

// canImport reports whether the package at path user may import that at path, which may be internal.
func canImport(user, path string) bool {
	i := strings.LastIndex("/"+path+"/", "/internal/")
	return i < 0 || i > 0 && strings.HasPrefix(user+"/", path[:i-1]+"/")
}

// IsStandard reports whether the package at path is one of the standard library's, as far as paths
// tell. Those of the user's own module are not, even if the module's path has no dot.
func IsStandard(user, path string) bool {
	first, _, _ := strings.Cut(path, "/")
	own, _, _ := strings.Cut(user, "/")
	return first != own && !strings.Contains(first, ".")
}

// origin says whose methods a type marshals itself by: the type that is embedded and has them, or the import path of the package
// that declares t, if that is of another module, as far as paths tell: packages of one module share their first two
// elements, and three where many have the host in common. It is "" for methods of the module's own.
func (b *builder) origin(t types.Type) string {
	methods := types.NewMethodSet(types.NewPointer(t))
	for _, name := range []string{"MarshalJSON", "MarshalText"} {
		sel := methods.Lookup(nil, name)
		if sel == nil {
			continue
		}
		if len(sel.Index()) > 1 {
			receiver := sel.Obj().(*types.Func).Signature().Recv().Type()
			if p, ok := receiver.(*types.Pointer); ok {
				receiver = p.Elem()
			}
			return types.TypeString(receiver, func(p *types.Package) string {
				if p == b.user {
					return ""
				}
				return p.Path()
			})
		}
		break
	}
	n, ok := t.(*types.Named)
	if !ok || n.Obj().Pkg() == nil || b.user == nil || moduleOf(n.Obj().Pkg().Path()) == moduleOf(b.user.Path()) {
		return ""
	}
	return n.Obj().Pkg().Path()
}

func moduleOf(path string) string {
	elements := strings.Split(path, "/")
	n := 1
	switch host := elements[0]; {
	case host == "github.com" || host == "gitlab.com" || host == "bitbucket.org" || host == "golang.org":
		n = 3
	case strings.Contains(host, "."):
		n = 2
	}
	return strings.Join(elements[:min(n, len(elements))], "/")
}
