package serial

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/bytedance/sonic"
	sonicencoder "github.com/bytedance/sonic/encoder"
	"github.com/go-faster/jx"
	jsonv2 "github.com/go-json-experiment/json"
	goccy "github.com/goccy/go-json"
	"github.com/google/go-cmp/cmp"
	"github.com/mailru/easyjson/jlexer"
	"github.com/mailru/easyjson/jwriter"
	segmentio "github.com/segmentio/encoding/json"
	"github.com/tinylib/msgp/msgp"

	"github.com/esgen-go/esgen/aggregate"
	"github.com/esgen-go/esgen/bench/serial/easy"
	"github.com/esgen-go/esgen/bench/serial/msg"
)

// library is one way of encoding and decoding one event.
type library struct {
	name   string
	fresh  func() ([]byte, error)                 // to memory of its own
	append func(dst []byte) ([]byte, error)       // to memory that is used again
	decode func(data []byte) (event any, _ error) // a pointer to a new event
	binary bool                                   // it isn't JSON
}

// libraries are esgen first, then encoding/json, then the others.
//
// Each is called in its fastest way that keeps to the value: without HTML escapes, which esgen doesn't write either,
// and, where it is left to the caller, without sorting maps and without checking UTF-8. None may share memory between
// the text and what was decoded from it, since rows are read into memory that is used again.
func libraries[E any, Easy easyEvent[EasyE], EasyE any, Msg msgEvent[MsgE], MsgE any, JX jxEvent[E]](
	v *E, appendE func([]byte, *E) ([]byte, error), decodeE func([]byte, *E) error,
) []library {
	var order aggregate.Type[Order] = orderType{}
	var event any = *v
	var easyEvent Easy = convert[E, EasyE](v)
	var msgEvent Msg = convert[E, MsgE](v)
	return []library{
		{
			name: "esgen",
			fresh: func() ([]byte, error) { // as a repository does
				_, _, data, err := order.Encode(nil, event)
				return data, err
			},
			append: func(dst []byte) ([]byte, error) { return appendE(dst, v) },
			decode: func(data []byte) (any, error) { e := new(E); return e, decodeE(data, e) },
		},
		func() library {
			var b bytes.Buffer
			encoder := json.NewEncoder(&b)
			encoder.SetEscapeHTML(false)
			return library{
				name:   "encoding-json",
				fresh:  func() ([]byte, error) { return json.Marshal(v) },
				append: func([]byte) ([]byte, error) { b.Reset(); err := encoder.Encode(v); return b.Bytes(), err },
				decode: func(data []byte) (any, error) { e := new(E); return e, json.Unmarshal(data, e) },
			}
		}(),
		func() library {
			var b bytes.Buffer
			return library{
				name:   "json-v2",
				fresh:  func() ([]byte, error) { return jsonv2.Marshal(v) },
				append: func([]byte) ([]byte, error) { b.Reset(); err := jsonv2.MarshalWrite(&b, v); return b.Bytes(), err },
				decode: func(data []byte) (any, error) { e := new(E); return e, jsonv2.Unmarshal(data, e) },
			}
		}(),
		{
			name: "easyjson",
			fresh: func() ([]byte, error) {
				w := jwriter.Writer{NoEscapeHTML: true}
				easyEvent.MarshalEasyJSON(&w)
				return w.BuildBytes()
			},
			append: func(dst []byte) ([]byte, error) {
				w := jwriter.Writer{NoEscapeHTML: true}
				easyEvent.MarshalEasyJSON(&w)
				return w.BuildBytes(dst)
			},
			decode: func(data []byte) (any, error) {
				e := new(EasyE)
				l := jlexer.Lexer{Data: data}
				Easy(e).UnmarshalEasyJSON(&l)
				return e, l.Error()
			},
		},
		func() library {
			var b bytes.Buffer
			encoder := goccy.NewEncoder(&b)
			encoder.SetEscapeHTML(false)
			return library{
				name: "goccy",
				fresh: func() ([]byte, error) {
					return goccy.MarshalWithOption(v, goccy.DisableHTMLEscape(), goccy.UnorderedMap())
				},
				append: func([]byte) ([]byte, error) {
					b.Reset()
					err := encoder.EncodeWithOption(v, goccy.UnorderedMap())
					return b.Bytes(), err
				},
				decode: func(data []byte) (any, error) { e := new(E); return e, goccy.Unmarshal(data, e) },
			}
		}(),
		{
			name:   "sonic",
			fresh:  func() ([]byte, error) { return sonic.Marshal(v) },
			append: func(dst []byte) ([]byte, error) { err := sonicencoder.EncodeInto(&dst, v, 0); return dst, err },
			decode: func(data []byte) (any, error) { e := new(E); return e, sonic.Unmarshal(data, e) },
		},
		{
			name:   "segmentio",
			fresh:  func() ([]byte, error) { return segmentio.Append(nil, v, 0) },
			append: func(dst []byte) ([]byte, error) { return segmentio.Append(dst, v, 0) },
			decode: func(data []byte) (any, error) { e := new(E); return e, segmentio.Unmarshal(data, e) },
		},
		func() library {
			var w jx.Writer
			return library{
				name: "jx",
				fresh: func() ([]byte, error) {
					w.Reset()
					JX(v).writeJX(&w)
					return bytes.Clone(w.Buf), nil
				},
				append: func([]byte) ([]byte, error) {
					w.Reset()
					JX(v).writeJX(&w)
					return w.Buf, nil
				},
				decode: func(data []byte) (any, error) {
					d := jx.GetDecoder()
					d.ResetBytes(data)
					e := new(E)
					err := JX(e).readJX(d)
					jx.PutDecoder(d)
					return e, err
				},
			}
		}(),
		{
			name:   "msgp",
			fresh:  func() ([]byte, error) { return msgEvent.MarshalMsg(nil) },
			append: func(dst []byte) ([]byte, error) { return msgEvent.MarshalMsg(dst) },
			decode: func(data []byte) (any, error) { e := new(MsgE); _, err := Msg(e).UnmarshalMsg(data); return e, err },
			binary: true,
		},
	}
}

// What is generated by, or written for, the others.
type (
	easyEvent[E any] interface {
		*E
		MarshalEasyJSON(*jwriter.Writer)
		UnmarshalEasyJSON(*jlexer.Lexer)
	}
	msgEvent[E any] interface {
		*E
		msgp.Marshaler
		msgp.Unmarshaler
	}
	jxEvent[E any] interface {
		*E
		writeJX(*jx.Writer)
		readJX(*jx.Decoder) error
	}
)

// convert makes another package's event of one of this package's.
func convert[From, To any](v *From) *To {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	to := new(To)
	if err := json.Unmarshal(text, to); err != nil {
		panic(err)
	}
	return to
}

// events are what is measured: each with all libraries.
func events() map[string][]library {
	return map[string][]library{
		"small":  libraries[Paid, *easy.Paid, easy.Paid, *msg.Paid, msg.Paid, *Paid](samplePaid(), appendPaid, decodePaid),
		"medium": libraries[Placed, *easy.Placed, easy.Placed, *msg.Placed, msg.Placed, *Placed](samplePlaced(), appendPlaced, decodePlaced),
		"large":  libraries[Packed, *easy.Packed, easy.Packed, *msg.Packed, msg.Packed, *Packed](samplePacked(), appendPacked, decodePacked),
	}
}

// What is measured must be the same work: every library reads every other's text as the same event.
func TestLibrariesAgree(t *testing.T) {
	t.Parallel()
	for size, libs := range events() {
		var want any
		for _, lib := range libs {
			fresh, err := lib.fresh()
			if err != nil {
				t.Fatalf("%s %s: %v", size, lib.name, err)
			}
			reused, err := lib.append(make([]byte, 0, 64))
			if err != nil {
				t.Fatalf("%s %s: %v", size, lib.name, err)
			}
			for _, text := range [][]byte{fresh, reused} {
				event, err := lib.decode(text)
				if err != nil {
					t.Fatalf("%s %s: %v", size, lib.name, err)
				}
				var got any
				back, err := json.Marshal(event)
				if err != nil {
					t.Fatal(err)
				}
				if err := json.Unmarshal(back, &got); err != nil {
					t.Fatal(err)
				}
				if want == nil {
					want = got
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s: %s reads another event:\n%s", size, lib.name, diff)
				}
			}
		}
	}
}

// The values themselves need that many: a new event, the strings, a map of two parts, and lists and pointers.
func TestAllocations(t *testing.T) {
	want := map[string]float64{"small": 2, "medium": 6, "large": 6}
	for size, libs := range events() {
		esgen := libs[0]
		text, err := esgen.fresh()
		if err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 0, 2*len(text))
		for _, c := range []struct {
			op   string
			work func() error
			most float64
		}{
			{"fresh", func() error { _, err := esgen.fresh(); return err }, 1},
			{"append", func() error { _, err := esgen.append(buffer); return err }, 0},
			{"decode", func() error { _, err := esgen.decode(text); return err }, want[size]},
		} {
			allocs := testing.AllocsPerRun(200, func() {
				if err := c.work(); err != nil {
					t.Fatal(err)
				}
			})
			if allocs > c.most {
				t.Errorf("%s %s: %v allocations, want at most %v", size, c.op, allocs, c.most)
			}
		}
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	want := map[string]int{"small": 80, "medium": 515, "large": 6900}
	for size, libs := range events() {
		text, err := libs[0].fresh()
		if err != nil {
			t.Fatal(err)
		}
		if n := len(text); n < want[size]*97/100 || n > want[size]*103/100 {
			t.Errorf("%s: %d bytes, want about %d", size, n, want[size])
		}
	}
}
