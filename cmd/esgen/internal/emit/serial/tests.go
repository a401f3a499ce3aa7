package serial

import "github.com/dave/jennifer/jen"

// EmitTests writes, for every type of which both Append and Decode were requested,
// a round-trip test (TestRoundTripOpened) and a fuzz target (FuzzOpened) to the package's
// generated test file, which belongs to the package itself (not to its _test package).
func (g *Generator) EmitTests(f *jen.File) {}
