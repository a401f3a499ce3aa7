package main

import (
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/esgen-go/esgen/cmd/esgen/internal/cli"
)

// The lock marks the old version as released, so that esgen itself says whether the struct that it offered is the one
// that was stored.
func TestTheStructAndTheFunctionThatAreOfferedDo(t *testing.T) {
	long(t)
	t.Parallel()
	const placed = `{"format": 1, "event": "order.placed", "category": "order", "aggregate": "Order", "versions": [
  {"version": 1, "released": true, "state": "current", "go": "Placed", "fields": [
    {"name": "quantity", "go": "Quantity", "type": "int64"},
    {"name": "price", "go": "Price", "type": "int64", "quoted": true},
    {"name": "at", "go": "Base.At", "type": "time"},
    {"name": "at2", "go": "At", "type": "*time", "optional": "omitzero"},
    {"name": "inner", "go": "Inner.Name", "type": "string", "optional": "omitempty"},
    {"name": "id", "go": "ID", "type": "uuid"},
    {"name": "raw", "go": "Raw", "type": "raw"},
    {"name": "number", "go": "Number", "type": "number"},
    {"name": "bytes", "go": "Bytes", "type": "bytes", "optional": "omitempty"},
    {"name": "say", "go": "Say", "type": "string", "was": ["said"], "default": "\"hi\" there"},
    {"name": "items", "go": "Items", "type": "map[string][2]Item"},
    {"name": "address", "go": "Address", "type": "*Placed.Address"},
    {"name": "page", "go": "Page", "type": "Page[Item]"},
    {"name": "tag", "go": "Tag", "type": "Tag"},
    {"name": "level", "go": "Level", "type": "Level"},
    {"name": "tree", "go": "Tree", "type": "Tree"}
  ], "types": {
    "Item": {"fields": [{"name": "sku", "go": "SKU", "type": "string"}, {"name": "sub", "go": "Sub", "type": "[]Item"}, {"name": "tag", "go": "Tag", "type": "*Tag"}]},
    "Page[Item]": {"fields": [{"name": "all", "go": "All", "type": "[]Item"}]},
    "Placed.Address": {"fields": [{"name": "street", "go": "Street", "type": "string"}]},
    "Tag": {"fields": [{"name": "name", "go": "Name", "type": "string"}]},
    "Tree": {"type": "[]Tree"},
    "Level": {"type": "int8", "enum": [1, 2]}
  }}
]}`
	const source = `package order

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/aggregate"
)

//esgen:aggregate
type Order struct {
	aggregate.Root
}

//esgen:event version=2
type Placed struct {
	Quantity string          ` + "`json:\"quantity\"`" + `
	Tag      Tag             ` + "`json:\"tag\"`" + `
	Level    Level           ` + "`json:\"level\"`" + `
	Raw      json.RawMessage ` + "`json:\"raw\"`" + `
	ID       uuid.UUID       ` + "`json:\"id\"`" + `
	Bytes    []byte          ` + "`json:\"bytes\"`" + `
}

type Tag struct {
	Name string ` + "`json:\"name\"`" + `
}

type Level int8

const (
	Low  Level = 1
	High Level = 2
)

// ItemV1 is in the way.
type ItemV1 time.Time

func (o *Order) applyPlaced(e Placed) {}
`
	dir := t.TempDir()
	writeModule(t, dir, txtar.File{Name: "order.go", Data: []byte(source)}, txtar.File{Name: "esgen.lock/order.placed.json", Data: []byte(placed)})
	_, _, stderr := esgen(t, dir)
	offered := regexp.MustCompile(`write (func .*?) \{ … \} with (//esgen:upcast) above it, and the struct that it was: (type .*)`).FindStringSubmatch(stderr)
	if offered == nil {
		t.Fatalf("nothing is offered: %s", stderr)
	}
	fixed := source + strings.Join([]string{offered[3], "", offered[2], offered[1] + " { panic(old) }"}, "\n") + "\n"
	writeFile(t, filepath.Join(dir, "order.go"), []byte(fixed))
	if status, _, stderr := esgen(t, dir); status != cli.OK {
		t.Errorf("what is offered doesn't do:\n%s\n%s", fixed, stderr)
	}
}
