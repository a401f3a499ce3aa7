package emit

import (
	"strconv"

	"github.com/esgen-go/esgen/cmd/esgen/internal/model"
	"github.com/esgen-go/esgen/cmd/esgen/internal/names"
)

// helpers are the names of generated declarations that no one but generated code
// mentions. They give way to declarations of the user's.
type helpers struct {
	typ     map[*model.Aggregate]string // implements aggregate.Type
	upcast  map[*model.Aggregate]string // brings a stored event of any version to the latest
	lift    map[*model.Version]string   // takes a decoded event of an old version to the latest
	chain   map[*model.Aggregate]string // is what the tests share
	goldens map[*model.Aggregate]string // is the test of the golden corpus
	target  map[*model.Version]string   // is the fuzz target of an old version
	used    map[string]bool             // all of these, and what users call
}

func (w *writer) pickNames() {
	w.helpers = helpers{
		typ: map[*model.Aggregate]string{}, upcast: map[*model.Aggregate]string{}, lift: map[*model.Version]string{},
		chain: map[*model.Aggregate]string{}, goldens: map[*model.Aggregate]string{}, target: map[*model.Version]string{}, used: map[string]bool{},
	}
	for _, a := range w.Aggregates {
		for _, name := range []string{a.New, a.NewRepository, a.Decode, names.Sum(a.Go)} {
			w.used[name] = true
		}
	}
	for _, a := range w.Aggregates {
		w.typ[a] = w.free(names.Type(a.Go))
		w.upcast[a] = w.free("upcast" + names.Sum(a.Go))
		w.chain[a] = w.free(names.Lower(a.Go) + "Chain")
		w.goldens[a] = w.free("TestGoldens" + names.Upper(a.Go))
		for _, v := range a.Old() {
			w.lift[v] = w.free("lift" + names.Upper(v.Go))
			w.target[v] = w.free("FuzzUpcast" + names.Upper(v.Go))
		}
	}
}

// free returns name, or name with a number if it is taken, and takes it.
func (w *writer) free(name string) string {
	picked := name
	for i := 2; w.taken(picked); i++ {
		picked = name + strconv.Itoa(i)
	}
	w.used[picked] = true
	return picked
}

// taken reports whether the package, its tests or the generated code has a declaration of that name.
func (w *writer) taken(name string) bool {
	_, declared := w.Declared[name]
	_, inTests := w.DeclaredInTests[name]
	return declared || inTests || w.used[name]
}
