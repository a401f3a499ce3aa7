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
