package postgres

import (
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/esgen-go/esgen/es"
)

// array builds a one-dimensional array in PostgreSQL's binary format.
type array struct {
	buf []byte
	n   uint32
}

func newArray(buf []byte, elementOID uint32, nulls bool) array {
	buf = binary.BigEndian.AppendUint32(buf[:0], 1) // dimensions
	hasNull := uint32(0)
	if nulls {
		hasNull = 1
	}
	buf = binary.BigEndian.AppendUint32(buf, hasNull)
	buf = binary.BigEndian.AppendUint32(buf, elementOID)
	buf = binary.BigEndian.AppendUint32(buf, 0) // length, set in the end
	return array{buf: binary.BigEndian.AppendUint32(buf, 1)}
}

func (a *array) int4(v int32) {
	a.n++
	a.buf = binary.BigEndian.AppendUint32(a.buf, 4)
	a.buf = binary.BigEndian.AppendUint32(a.buf, uint32(v))
}

func (a *array) int8(v int64) {
	a.n++
	a.buf = binary.BigEndian.AppendUint32(a.buf, 8)
	a.buf = binary.BigEndian.AppendUint64(a.buf, uint64(v))
}

func (a *array) text(v string) {
	a.n++
	a.buf = binary.BigEndian.AppendUint32(a.buf, uint32(len(v)))
	a.buf = append(a.buf, v...)
}

func (a *array) bytes(v []byte) {
	a.n++
	a.buf = binary.BigEndian.AppendUint32(a.buf, uint32(len(v)))
	a.buf = append(a.buf, v...)
}

// optional adds a null for nil.
func (a *array) optional(v []byte) {
	if v != nil {
		a.bytes(v)
		return
	}
	a.n++
	a.buf = binary.BigEndian.AppendUint32(a.buf, 1<<32-1)
}

func (a *array) done() []byte {
	binary.BigEndian.PutUint32(a.buf[12:], a.n)
	return a.buf
}

// expected encodes an expectation as the statements read it.
func expected(e es.Expected) int64 {
	v, exact := e.Exact()
	switch {
	case exact:
		return int64(v)
	case e.Met(0):
		return -2 // any
	default:
		return -1 // an existing stream
	}
}

// metadata encodes what is set of an event's metadata, as JSON.
func metadata(m *es.Metadata) ([]byte, error) {
	if m.IsZero() {
		return nil, nil
	}
	text, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("encoding metadata: %w", err)
	}
	return text, nil
}

// encoder makes the parameters of an append statement, in memory that it uses
// again.
type encoder struct {
	params [11][]byte
	values [][]byte
}

// trim gives back the memory that an unusually large append took.
func (enc *encoder) trim() {
	for i := range enc.params {
		if cap(enc.params[i]) > 2*maxFlushBytes {
			enc.params[i] = nil
		}
	}
	clear(enc.values)
}

// single encodes the only event of the only write.
func (enc *encoder) single(w *placedWrite) [][]byte {
	e := &w.Events[0]
	p := &enc.params
	p[0] = append(p[0][:0], w.Stream.Category...)
	p[1] = append(p[1][:0], w.Stream.ID...)
	p[2] = binary.BigEndian.AppendUint64(p[2][:0], uint64(expected(w.Expect)))
	p[3] = append(p[3][:0], e.ID[:]...)
	p[4] = append(p[4][:0], e.Type...)
	p[5] = binary.BigEndian.AppendUint32(p[5][:0], uint32(e.Schema))
	enc.values = append(enc.values[:0], p[0], p[1], p[2], p[3], p[4], p[5], e.Data, w.metadata[0])
	return enc.values
}

// stream encodes the events of the only write.
func (enc *encoder) stream(w *placedWrite) [][]byte {
	p := &enc.params
	p[0] = append(p[0][:0], w.Stream.Category...)
	p[1] = append(p[1][:0], w.Stream.ID...)
	p[2] = binary.BigEndian.AppendUint64(p[2][:0], uint64(expected(w.Expect)))
	ids := newArray(p[3], pgtype.UUIDOID, false)
	types := newArray(p[4], pgtype.TextOID, false)
	schemas := newArray(p[5], pgtype.Int4OID, false)
	data := newArray(p[6], pgtype.JSONOID, false)
	metas := newArray(p[7], pgtype.JSONOID, true)
	for i := range w.Events {
		e := &w.Events[i]
		ids.bytes(e.ID[:])
		types.text(e.Type)
		schemas.int4(int32(e.Schema))
		data.bytes(e.Data)
		metas.optional(w.metadata[i])
	}
	p[3], p[4], p[5], p[6], p[7] = ids.done(), types.done(), schemas.done(), data.done(), metas.done()
	enc.values = append(enc.values[:0], p[:8]...)
	return enc.values
}

// singles encodes writes of one event each, of requests of one write each.
func (enc *encoder) singles(writes []placedWrite) [][]byte {
	p := &enc.params
	categories := newArray(p[0], pgtype.TextOID, false)
	streams := newArray(p[1], pgtype.TextOID, false)
	expectations := newArray(p[2], pgtype.Int8OID, false)
	ids := newArray(p[3], pgtype.UUIDOID, false)
	types := newArray(p[4], pgtype.TextOID, false)
	schemas := newArray(p[5], pgtype.Int4OID, false)
	data := newArray(p[6], pgtype.JSONOID, false)
	metas := newArray(p[7], pgtype.JSONOID, true)
	for i := range writes {
		w := &writes[i]
		e := &w.Events[0]
		categories.text(w.Stream.Category)
		streams.text(w.Stream.ID)
		expectations.int8(expected(w.Expect))
		ids.bytes(e.ID[:])
		types.text(e.Type)
		schemas.int4(int32(e.Schema))
		data.bytes(e.Data)
		metas.optional(w.metadata[0])
	}
	*p = [11][]byte{
		categories.done(), streams.done(), expectations.done(), ids.done(),
		types.done(), schemas.done(), data.done(), metas.done(), p[8], p[9], p[10],
	}
	enc.values = append(enc.values[:0], p[:8]...)
	return enc.values
}

// many encodes writes, which are in the order of their streams.
func (enc *encoder) many(writes []placedWrite) [][]byte {
	p := &enc.params
	appends := newArray(p[0], pgtype.Int4OID, false)
	categories := newArray(p[1], pgtype.TextOID, false)
	streams := newArray(p[2], pgtype.TextOID, false)
	expectations := newArray(p[3], pgtype.Int8OID, false)
	of := newArray(p[4], pgtype.Int4OID, false)
	numbers := newArray(p[5], pgtype.Int4OID, false)
	ids := newArray(p[6], pgtype.UUIDOID, false)
	types := newArray(p[7], pgtype.TextOID, false)
	schemas := newArray(p[8], pgtype.Int4OID, false)
	data := newArray(p[9], pgtype.JSONOID, false)
	metas := newArray(p[10], pgtype.JSONOID, true)
	for i := range writes {
		w := &writes[i]
		appends.int4(int32(w.request))
		categories.text(w.Stream.Category)
		streams.text(w.Stream.ID)
		expectations.int8(expected(w.Expect))
		for j := range w.Events {
			e := &w.Events[j]
			of.int4(int32(i + 1))
			numbers.int4(int32(j + 1))
			ids.bytes(e.ID[:])
			types.text(e.Type)
			schemas.int4(int32(e.Schema))
			data.bytes(e.Data)
			metas.optional(w.metadata[j])
		}
	}
	*p = [11][]byte{
		appends.done(), categories.done(), streams.done(), expectations.done(), of.done(), numbers.done(),
		ids.done(), types.done(), schemas.done(), data.done(), metas.done(),
	}
	enc.values = append(enc.values[:0], p[:]...)
	return enc.values
}
