// Package serial writes typed serializers: for each shape a function that
// appends its JSON and one that decodes it, without reflection, for the
// run-time package es/codec.
//
// Use it in this order: New, any number of Append, Decode and Guard, then Emit
// into the package's generated file and EmitTests into its test file.
package serial

import (
	"go/types"

	"github.com/dave/jennifer/jen"

	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

// Generator collects the functions that one package needs. The same calls in
// the same order give the same code.
type Generator struct {
	pkg   *types.Package
	taken func(name string) bool
}

// New returns a generator for the code of one package. taken reports the names
// of the package's own declarations, which generated functions must not have;
// nil means that there are none.
func New(pkg *types.Package, taken func(name string) bool) *Generator {
	return &Generator{pkg: pkg, taken: taken}
}

// Append requests a function that appends t's JSON and returns its name:
//
//	func appendOpened(dst []byte, v *Opened) ([]byte, error)
//
// On an error, a *codec.Error that names the field, the returned slice is of no use.
// t must come from [shape.Of] without problems, and be a named type of the package.
func (g *Generator) Append(t *shape.Type) string { return "" }

// Decode requests a function that decodes t from one whole JSON text and
// returns its name:
//
//	func decodeOpened(data []byte, v *Opened) error
//
// It sets all of v: of a state all but its aggregate.Root and the fields that
// are opted out, which keep their values. Nothing in v refers to data
// afterwards. After an error, a *codec.Error, v is undefined.
func (g *Generator) Decode(t *shape.Type) string { return "" }

// Guard requests declarations that stop the package from compiling when t's struct, one of the
// package's structs within it, or a tag of these was changed after generation.
func (g *Generator) Guard(t *shape.Type) {}

// Emit writes all requested functions and guards, and those that these call,
// to the package's generated file.
func (g *Generator) Emit(f *jen.File) {}

// EmitTests writes, for every type of which both Append and Decode were requested,
// a round-trip test (TestRoundTripOpened) and a fuzz target (FuzzOpened) to the package's
// generated test file, which belongs to the package itself (not to its _test package).
func (g *Generator) EmitTests(f *jen.File) {}
