package main

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"
)

// synthetic makes a module of domain packages, the same every time: with structs that nest, types that
// packages share, events of several versions, and commands.
func synthetic(t testing.TB, dir string, packages, events int) {
	t.Helper()
	files := []txtar.File{{Name: "money/money.go", Data: []byte(syntheticMoney)}}
	for i := range packages {
		name := fmt.Sprintf("domain%02d", i)
		files = append(files, txtar.File{Name: name + "/" + name + ".go", Data: syntheticPackage(name, uint64(i), events)})
	}
	writeModule(t, dir, files...)
}

const syntheticMoney = `// Package money is shared by the domains.
package money

// Amount is an amount of money.
type Amount struct {
	Minor    int64  ` + "`json:\"minor\"`" + `
	Currency string ` + "`json:\"currency\"`" + `
}
`

// syntheticPackage makes one domain package. Every tenth event has an older version.
func syntheticPackage(name string, seed uint64, events int) []byte {
	random := rand.New(rand.NewPCG(seed, 1))
	var b strings.Builder
	fmt.Fprintf(&b, `// Package %[1]s is one domain of many.
package %[1]s

import (
	"errors"
	"time"

	"github.com/google/uuid"

	"example.com/app/money"
	"github.com/esgen-go/esgen/aggregate"
)

//go:generate go tool esgen

// %[2]s is what the package is about.
//
//esgen:aggregate
type %[2]s struct {
	aggregate.Root
	Changes int
	Last    time.Time
	Parent  uuid.UUID
	Total   money.Amount
}

// ErrDone refuses what comes too late.
var ErrDone = errors.New("it is done")

// Line is a part of several events.
type Line struct {
	SKU      string       %[3]sjson:"sku"%[3]s
	Quantity int32        %[3]sjson:"quantity"%[3]s
	Price    money.Amount %[3]sjson:"price"%[3]s
}
`, name, strings.ToUpper(name[:1])+name[1:], "`")
	aggregate := strings.ToUpper(name[:1]) + name[1:]
	for i := range events {
		event, fields := fmt.Sprintf("Happened%02d", i), syntheticFields(random)
		version := ""
		if i%10 == 9 {
			version = " version=2"
			fmt.Fprintf(&b, "\n// %sV1 is how it was stored before it had a reason.\ntype %[1]sV1 struct {\n%s}\n", event, fields)
			fmt.Fprintf(&b, "\n//esgen:upcast\nfunc upcast%sV1(o %[1]sV1) %[1]s { return %[1]s{Reason: \"none\"} }\n", event)
			fields += "\tReason string `json:\"reason\"`\n"
		}
		fmt.Fprintf(&b, "\n// %s is one of the things that happen.\n//\n//esgen:event%s\ntype %[1]s struct {\n%[3]s}\n", event, version, fields)
		fmt.Fprintf(&b, "\nfunc (d *%s) apply%s(e %[2]s) { d.Changes++ }\n", aggregate, event)
		fmt.Fprintf(&b, "\n// Do%02d makes it happen.\nfunc (d *%s) Do%02[1]d(e %[3]s) error {\n\tif d.Changes > 1000 {\n\t\treturn ErrDone\n\t}\n\td.record%[3]s(e)\n\treturn nil\n}\n",
			i, aggregate, event)
	}
	return []byte(b.String())
}

// syntheticFields makes the fields of an event, two to nine.
func syntheticFields(random *rand.Rand) string {
	types := []string{
		"string", "string", "string", "int64", "int64", "bool", "time.Time", "uuid.UUID", "*string", "[]string", "float64",
		"money.Amount", "[]Line", "map[string]string", "*time.Time", "int32",
	}
	var b strings.Builder
	for i := range 2 + random.IntN(8) {
		option := ""
		if random.IntN(4) == 0 {
			option = ",omitempty"
		}
		fmt.Fprintf(&b, "\tField%d %s `json:\"field_%[1]d%s\"`\n", i, types[random.IntN(len(types))], option)
	}
	return b.String()
}
