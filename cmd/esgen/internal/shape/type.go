// Package shape derives from Go types the JSON shapes in which events and
// states are stored: what encoding/json would do by reflection at run time is
// decided here once, at generation time, and every type that can't be stored
// is reported at the line that uses it.
package shape

import (
	"go/token"
	"go/types"
	"iter"
	"slices"
	"strings"
)

// Mode says by which rules a type is stored.
type Mode uint8

const (
	// Event follows encoding/json: exported fields under their json tags,
	// embedded structs promoted. An unexported field is a problem, because it
	// would be lost without a word.
	Event Mode = iota
	// State stores all fields of all structs by their Go names, unexported
	// ones too, and ignores json tags. A field tagged esgen:"-" and the embedded
	// aggregate.Root stay out.
	State
)

// Kind is the form of a value, both in JSON and in the code that handles it.
type Kind uint8

// The kinds. Named types have the kind of what they are made of, unless they
// marshal themselves.
const (
	Invalid   Kind = iota // can't be stored; a problem says why
	Bool                  // true, false
	Int                   // number without fraction, Bits wide, signed
	Uint                  // number without fraction, Bits wide
	Float                 // number, Bits wide
	String                // string
	Bytes                 // base64 string, or null for a nil slice
	Time                  // time.Time: RFC 3339 string
	UUID                  // uuid.UUID: string
	Raw                   // json.RawMessage: any JSON value, as it is
	Number                // json.Number: number
	Struct                // object of Fields
	Slice                 // array of Elem, or null for a nil slice
	Array                 // array of exactly Len times Elem
	Map                   // object with names from Key and values of Elem, or null
	Pointer               // Elem, or null for nil
	Marshaler             // whatever the type's MarshalJSON writes
	Text                  // string with what the type's MarshalText writes
)

var kindNames = [...]string{
	"invalid", "bool", "int", "uint", "float", "string", "bytes", "time", "uuid", "raw", "number",
	"struct", "slice", "array", "map", "pointer", "marshaler", "text",
}

// String returns the kind's name in lower case.
func (k Kind) String() string {
	if int(k) < len(kindNames) {
		return kindNames[k]
	}
	return "invalid"
}

// Type is the shape of one Go type. Shapes of recursive types point back to
// themselves: whoever walks them must remember where it has been. Within the
// result of one [Of] the same Go type is the same *Type.
type Type struct {
	Kind Kind
	Mode Mode

	// Go is the type itself, aliases resolved. For the emitter; no part of
	// what is stored. Nil in shapes that were read from a lock.
	Go types.Type

	// Name is what a named type is called in the package that stores it, with the
	// name of its own package before it if that is another; "" for types without a name.
	Name string

	// Enum has the values of the constants that a named type of kind String, Int or Uint
	// is declared with, sorted, each once; numbers in decimal. Types of the standard library have none.
	Enum []string

	Bits   int      // Int, Uint, Float: 8 to 64; int, uint and uintptr count as 64
	Len    int64    // Array
	Elem   *Type    // Slice, Array, Map, Pointer
	Key    *Type    // Map: of kind String, Int, Uint, UUID, Time or Text
	Fields []*Field // Struct: in the order in which they are encoded

	// Reserved has the fields that a struct once had and that stored objects may still
	// have. Only shapes that were read from a lock have any.
	Reserved []*Field

	// View is not empty in a shape that reads what was stored in an older one into the Go type: a
	// name for that. Package resolution makes such shapes; they are for decoding alone.
	View string

	// AddrMarshal says, for Marshaler and Text, that the method that marshals
	// has a pointer receiver.
	AddrMarshal bool
}

// Field is one member of a struct's JSON object. Fields that encoding/json
// would promote from embedded structs are listed in the outer struct.
type Field struct {
	Name  string // in JSON; "" for one that a view leaves at its default
	Go    string // in Go
	Steps []Step // embedded structs on the way to the field, outermost first
	Type  *Type
	Pos   token.Pos

	OmitEmpty bool // left out when false, 0, "", nil or of length 0; see Omits
	OmitZero  bool // left out when IsZero() or else the zero value
	Quoted    bool // the tag's ",string": the value stands within a JSON string
	Behind    bool // promoted from an embedded pointer, so that all of that may be missing

	// Was has the names in JSON that the field had before: objects with one of
	// them in place of Name are read too.
	Was []string

	// Must says, in a view, that the field is required whatever its type is.
	Must bool

	// Default is the value of a field that is missing, in the tag's own
	// spelling; nil without esgen:"default=…".
	Default *string
}

// Step is an embedded struct that a promoted field is reached through.
type Step struct {
	Name string
	Ptr  types.Type // what to allocate where a pointer is embedded, else nil
}

// Required reports whether an object without the field is refused. A
// field is required unless it is a pointer, omitempty, omitzero, has a default
// or belongs to an embedded pointer.
func (f *Field) Required() bool {
	if f.Must || f.Name == "" {
		return f.Must
	}
	if f.Type.Kind == Pointer || f.OmitEmpty || f.OmitZero || f.Default != nil {
		return false
	}
	return !f.Behind
}

// Named returns the named type behind t, or nil.
func (t *Type) Named() *types.Named {
	n, _ := t.Go.(*types.Named)
	return n
}

// All returns t and all shapes within it, each once.
func (t *Type) All() iter.Seq[*Type] {
	return func(yield func(*Type) bool) {
		seen := map[*Type]bool{}
		var walk func(t *Type) bool
		walk = func(t *Type) bool {
			if t == nil || seen[t] {
				return true
			}
			seen[t] = true
			if !yield(t) || !walk(t.Key) || !walk(t.Elem) {
				return false
			}
			return !slices.ContainsFunc(t.Fields, func(f *Field) bool { return !walk(f.Type) })
		}
		walk(t)
	}
}

// Departs reports whether a field somewhere in t has what encoding/json doesn't know: a default or a
// former name.
func (t *Type) Departs() bool {
	for t := range t.All() {
		if slices.ContainsFunc(t.Fields, func(f *Field) bool { return f.Default != nil || len(f.Was) > 0 }) {
			return true
		}
	}
	return false
}

// Problem is a reason why a type can't be stored as it stands.
type Problem struct {
	Pos     token.Pos // of the field in the user's own code that leads to it
	Path    string    // such as Placed.items[].price, in the names of the JSON text
	Message string    // what is wrong, without the path
	Remedy  string    // what to write
	Unknown bool      // the type-checker has told of it too
}

// String returns the path, the message and the remedy in one line.
func (p Problem) String() string {
	var b strings.Builder
	if p.Path != "" {
		b.WriteString(p.Path)
		b.WriteString(": ")
	}
	b.WriteString(p.Message)
	if p.Remedy != "" {
		b.WriteString(": ")
		b.WriteString(p.Remedy)
	}
	return b.String()
}
