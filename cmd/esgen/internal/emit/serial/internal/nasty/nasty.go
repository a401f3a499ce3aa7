// Package nasty has about everything that can be met in an event, for the
// tests of the generated serializers beside it.
package nasty

import (
	"encoding/json"
	"math/big"
	"time"

	"github.com/google/uuid"

	"github.com/esgen-go/esgen/cmd/esgen/internal/emit/serial/internal/other"
)

// Small is a typical small event.
type Small struct {
	Owner    string `json:"owner"`
	Currency string `json:"currency"`
	Amount   int64  `json:"amount"`
	Final    bool   `json:"final"`
}

// Medium is a typical event.
type Medium struct {
	ID        uuid.UUID         `json:"id"`
	Customer  string            `json:"customer"`
	Email     string            `json:"email"`
	PlacedAt  time.Time         `json:"placed_at"`
	Total     int64             `json:"total"`
	Rate      float64           `json:"rate"`
	Express   bool              `json:"express"`
	Note      string            `json:"note,omitempty"`
	Coupon    *string           `json:"coupon,omitempty"`
	Tags      []string          `json:"tags"`
	Labels    map[string]string `json:"labels"`
	Address   Address           `json:"address"`
	Reference uuid.UUID         `json:"reference"`
}

// Address is nested in Medium.
type Address struct {
	Street  string `json:"street"`
	City    string `json:"city"`
	Zip     string `json:"zip"`
	Country string `json:"country"`
}

// Large has a list of structs.
type Large struct {
	ID       uuid.UUID `json:"id"`
	PlacedAt time.Time `json:"placed_at"`
	Lines    []Line    `json:"lines"`
	Comment  string    `json:"comment"`
}

// Line is an element of Large.
type Line struct {
	SKU      string    `json:"sku"`
	Name     string    `json:"name"`
	Quantity int       `json:"quantity"`
	Price    int64     `json:"price"`
	Discount float64   `json:"discount"`
	Added    time.Time `json:"added"`
	Gift     bool      `json:"gift"`
	Tags     []string  `json:"tags"`
}

// Numbers has all numbers.
type Numbers struct {
	I   int
	I8  int8
	I16 int16
	I32 int32
	I64 int64
	U   uint
	U8  uint8
	U16 uint16
	U32 uint32
	U64 uint64
	P   uintptr
	F32 float32
	F64 float64
	N   json.Number
	D   time.Duration
	B   *big.Int
	V   big.Int
	F   *big.Float
}

// Quoted has the string option on all that takes it, and on what ignores it.
type Quoted struct {
	I  int          `json:"i,string"`
	U  uint8        `json:"u,string"`
	F  float64      `json:"f,string"`
	B  bool         `json:"b,string"`
	S  string       `json:"s,string"`
	N  json.Number  `json:"n,string"`
	P  *int         `json:"p,string"`
	PS *string      `json:"ps,string"`
	L  []int        `json:"l,string"`
	OE int          `json:"oe,string,omitempty"`
	M  map[int]bool `json:"m,string,omitempty"`
}

type (
	kind    string
	Flags   []bool
	Digest  []byte
	octet   uint8
	Octets  []octet
	Matrix  [2][3]float64
	Named   map[kind]*Flags
	Tree    []Tree
	Forest  map[string]Forest
	Chained *Chained2
	// Chained2 is behind a named pointer.
	Chained2 struct{ Value int }
)

// Strings has all that is text or bytes.
type Strings struct {
	S     string
	K     kind
	B     []byte
	D     Digest
	O     Octets
	A     [4]byte
	Raw   json.RawMessage
	PRaw  *json.RawMessage
	T     time.Time
	PT    *time.Time
	U     uuid.UUID
	PU    *uuid.UUID
	Color other.Color
	Code  other.Code
	PCode *other.Code
	Cents other.Cents
	Level other.Level
}

// Lists has arrays, slices and pointers in each other.
type Lists struct {
	Strings  []string
	Flags    Flags
	Matrix   Matrix
	Empty    [0]int
	Nested   [][]map[string][]int
	Pointers []*int
	Deep     **int
	Deeper   []**Address
	Array    [2]*Address
	Structs  [2]Address
	Tree     Tree
	Chained  Chained
	Codes    []other.Code
	Blobs    [][]byte
	Times    []time.Time
	Raws     []json.RawMessage
}

// Maps has keys of all kinds.
type Maps struct {
	S      map[string]int
	K      Named
	I      map[int]string
	I8     map[int8]string
	U      map[uint64]string
	ID     map[uuid.UUID]Address
	T      map[time.Time]int
	Color  map[other.Color]int
	Level  map[other.Level]*Address
	Forest Forest
	Lists  map[string][]*Address
	Codes  map[string]other.Code
	Maps   map[string]map[string]map[int]bool
}

// Node is a recursive struct.
type Node struct {
	Name     string           `json:"name"`
	Next     *Node            `json:"next,omitempty"`
	Children []Node           `json:"children,omitempty"`
	Index    map[string]*Node `json:"index,omitempty"`
	Peer     *Peer            `json:"peer,omitempty"`
}

// Peer and Node contain each other.
type Peer struct {
	Back  []*Node `json:"back"`
	Value int     `json:"value"`
}

// Optional has omitempty on everything.
type Optional struct {
	B   bool              `json:"b,omitempty"`
	I   int               `json:"i,omitempty"`
	F   float64           `json:"f,omitempty"`
	S   string            `json:"s,omitempty"`
	P   *int              `json:"p,omitempty"`
	L   []int             `json:"l,omitempty"`
	M   map[string]int    `json:"m,omitempty"`
	A   [2]int            `json:"a,omitempty"`
	E   [0]int            `json:"e,omitempty"`
	St  Address           `json:"st,omitempty"`
	T   time.Time         `json:"t,omitempty"`
	U   uuid.UUID         `json:"u,omitempty"`
	By  []byte            `json:"by,omitempty"`
	R   json.RawMessage   `json:"r,omitempty"`
	N   json.Number       `json:"n,omitempty"`
	C   other.Cents       `json:"c,omitempty"`
	Co  other.Color       `json:"co,omitempty"`
	Big *big.Int          `json:"big,omitempty"`
	Rs  []json.RawMessage `json:"rs,omitempty"`
}

// Odd is zero at -1.
type Odd int

// IsZero reports whether o is -1.
func (o Odd) IsZero() bool { return o == -1 }

// Pair has IsZero on its pointer.
type Pair struct{ A, B int }

// IsZero reports whether A is zero.
func (p *Pair) IsZero() bool { return p.A == 0 }

// Loose is not comparable.
type Loose struct {
	L []int `json:"l"`
	N int   `json:"n"`
}

// Zeros has omitzero, alone and with omitempty.
type Zeros struct {
	B  bool       `json:"b,omitzero"`
	I  int        `json:"i,omitzero"`
	F  float64    `json:"f,omitzero"`
	S  string     `json:"s,omitzero"`
	T  time.Time  `json:"t,omitzero"`
	PT *time.Time `json:"pt,omitzero"`
	U  uuid.UUID  `json:"u,omitzero"`
	L  []int      `json:"l,omitzero"`
	LE []int      `json:"le,omitzero,omitempty"`
	A  [2]int     `json:"a,omitzero"`
	St Address    `json:"st,omitzero"`
	Lo Loose      `json:"lo,omitzero"`
	O  Odd        `json:"o,omitzero"`
	Pa Pair       `json:"pa,omitzero"`
	PP *Pair      `json:"pp,omitzero"`
	X  int        `json:"x"`
}

// Page is generic.
type Page[T any] struct {
	Items []T        `json:"items"`
	Next  *Page[T]   `json:"next,omitempty"`
	By    map[int]*T `json:"by"`
}

// Generic has instances of Page.
type Generic struct {
	A Page[Address]     `json:"a"`
	I Page[int]         `json:"i"`
	S *Page[[]string]   `json:"s"`
	R Page[other.Range] `json:"r"`
	T other.Range       `json:"t"`
	X struct {
		Y []struct {
			Z int `json:"z"`
		} `json:"y"`
		Page[bool]
	} `json:"x"`
}

type hidden struct {
	Visible string
	Shadow  int `json:"shadow"`
}

// Left and Right both have a Same, of which the tagged one wins.
type Left struct {
	Same string
	L    int
	*Inner
}

// Right see Left.
type Right struct {
	Other string `json:"Same"`
	R     int
}

// Inner is embedded by pointer in an embedded struct.
type Inner struct {
	Deep  int
	Level int `json:"shadow"`
}

// Embedded has promoted fields and conflicts among them.
type Embedded struct {
	hidden
	Left
	*Right
	other.Base
	Code other.Code
	*other.Range
	Address  `json:"address"`
	Level    int `json:"Visible"`
	Plain    `json:",omitempty"`
	Shadowed string   `json:"Deep"`
	Excluded chan int `json:"-"`
	Dash     int      `json:"-,"`
	unwanted int      `json:"-"`
	_        int
}

// Plain is an embedded type that is no struct.
type Plain string

// Names has names that are odd, in JSON and in Go.
type Names struct {
	A int `json:"a b"`
	B int `json:"<&>"`
	C int `json:"ünï"`
	D int `json:"日本"`
	E int `json:"$%-/"`
	Ä int
	F int `json:"true"`
	G int `json:"A"`
	H int `json:"."`
}

// Defaults has default values.
type Defaults struct {
	S string  `json:"s" esgen:"default=EUR, or \"so\""`
	I int     `json:"i" esgen:"default=-5"`
	U uint8   `json:"u" esgen:"default=200"`
	F float64 `json:"f" esgen:"default=1e3"`
	G float32 `json:"g" esgen:"default=0.1"`
	B bool    `json:"b" esgen:"default=true"`
	K kind    `json:"k" esgen:"default=x"`
	Q int     `json:"q,string" esgen:"default=7"`
	R int     `json:"r"`
}

// Empty has nothing.
type Empty struct{}

// Wide has more fields than a word has bits.
type Wide struct {
	F00 string `json:"f00"`
	F01 int    `json:"f01"`
	F02 int    `json:"f02"`
	F03 string `json:"f03"`
	F04 int    `json:"f04,omitempty"`
	F05 int    `json:"f05"`
	F06 string `json:"f06"`
	F07 int    `json:"f07"`
	F08 int    `json:"f08"`
	F09 string `json:"f09,omitempty"`
	F10 int    `json:"f10"`
	F11 int    `json:"f11"`
	F12 string `json:"f12"`
	F13 int    `json:"f13"`
	F14 int    `json:"f14,omitempty"`
	F15 string `json:"f15"`
	F16 int    `json:"f16"`
	F17 int    `json:"f17"`
	F18 string `json:"f18"`
	F19 int    `json:"f19,omitempty"`
	F20 int    `json:"f20"`
	F21 string `json:"f21"`
	F22 int    `json:"f22"`
	F23 int    `json:"f23"`
	F24 string `json:"f24,omitempty"`
	F25 int    `json:"f25"`
	F26 int    `json:"f26"`
	F27 string `json:"f27"`
	F28 int    `json:"f28"`
	F29 int    `json:"f29,omitempty"`
	F30 string `json:"f30"`
	F31 int    `json:"f31"`
	F32 int    `json:"f32"`
	F33 string `json:"f33"`
	F34 int    `json:"f34,omitempty"`
	F35 int    `json:"f35"`
	F36 string `json:"f36"`
	F37 int    `json:"f37"`
	F38 int    `json:"f38"`
	F39 string `json:"f39,omitempty"`
	F40 int    `json:"f40"`
	F41 int    `json:"f41"`
	F42 string `json:"f42"`
	F43 int    `json:"f43"`
	F44 int    `json:"f44,omitempty"`
	F45 string `json:"f45"`
	F46 int    `json:"f46"`
	F47 int    `json:"f47"`
	F48 string `json:"f48"`
	F49 int    `json:"f49,omitempty"`
	F50 int    `json:"f50"`
	F51 string `json:"f51"`
	F52 int    `json:"f52"`
	F53 int    `json:"f53"`
	F54 string `json:"f54,omitempty"`
	F55 int    `json:"f55"`
	F56 int    `json:"f56"`
	F57 string `json:"f57"`
	F58 int    `json:"f58"`
	F59 int    `json:"f59,omitempty"`
	F60 string `json:"f60"`
	F61 int    `json:"f61"`
	F62 int    `json:"f62"`
	F63 string `json:"f63"`
	F64 int    `json:"f64,omitempty"`
	F65 int    `json:"f65"`
	F66 string `json:"f66"`
	F67 int    `json:"f67"`
	F68 int    `json:"f68"`
	F69 string `json:"f69,omitempty"`
}

// All has one of each, so that a mistake in one is one among others.
type All struct {
	Empty   Empty
	Node    Node
	Strings *Strings
	Numbers []Numbers
}
