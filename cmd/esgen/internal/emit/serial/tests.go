package serial

import (
	"github.com/dave/jennifer/jen"

	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

const codectestPath = codecPath + "/codectest"

// EmitTests writes, for every type of which both Append and Decode were requested,
// a round-trip test (TestRoundTripOpened) and a fuzz target (FuzzOpened) to the package's
// generated test file, which belongs to the package itself (not to its _test package).
func (g *Generator) EmitTests(f *jen.File) {
	name := "codectest"
	for g.taken(name) {
		name += "pkg"
	}
	if name == "codectest" {
		f.ImportName(codectestPath, name)
	} else {
		f.ImportAlias(codectestPath, name)
	}
	call := func(name string, fn *function, arg string) *jen.Statement {
		return jen.Qual(codectestPath, name).Call(jen.Id(arg), jen.Id(fn.appendName()), jen.Id(fn.decodeName()))
	}
	for _, fn := range g.order {
		if !fn.append || !fn.root {
			continue
		}
		f.Func().Id(g.testName("TestRoundTrip" + fn.base)).Params(jen.Id("t").Op("*").Qual("testing", "T")).Block(call("RoundTrip", fn, "t"))
		f.Line()
		target := "FuzzJSON"
		if fn.t.Mode == shape.State || fn.t.Departs() {
			target = "Fuzz" // encoding/json knows neither states nor such fields
		}
		f.Func().Id(g.testName("Fuzz" + fn.base)).Params(jen.Id("f").Op("*").Qual("testing", "F")).Block(call(target, fn, "f"))
		f.Line()
	}
}

// testName returns name, changed if the package has a test of that name.
func (g *Generator) testName(name string) string {
	for g.taken(name) {
		name += "Codec"
	}
	return name
}
