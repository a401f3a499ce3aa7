package serial

import (
	"time"

	"github.com/go-faster/jx"
	"github.com/google/uuid"
)

// What follows is written by hand for go-faster/jx, in the way that its documentation
// suggests: a writer's methods one after the other, and a switch over the names.

func (e *Paid) writeJX(w *jx.Writer) {
	w.ObjStart()
	w.RawStr(`"payer":`)
	w.Str(e.Payer)
	w.RawStr(`,"method":`)
	w.Str(e.Method)
	w.RawStr(`,"currency":`)
	w.Str(e.Currency)
	w.RawStr(`,"amount":`)
	w.Int64(e.Amount)
	w.RawStr(`,"final":`)
	w.Bool(e.Final)
	w.ObjEnd()
}

func (e *Paid) readJX(d *jx.Decoder) error {
	return d.ObjBytes(func(d *jx.Decoder, key []byte) (err error) {
		switch string(key) {
		case "payer":
			e.Payer, err = d.Str()
		case "method":
			e.Method, err = d.Str()
		case "currency":
			e.Currency, err = d.Str()
		case "amount":
			e.Amount, err = d.Int64()
		case "final":
			e.Final, err = d.Bool()
		default:
			err = d.Skip()
		}
		return err
	})
}

func (e *Placed) writeJX(w *jx.Writer) {
	w.ObjStart()
	w.RawStr(`"id":`)
	writeUUIDJX(w, e.ID)
	w.RawStr(`,"customer":`)
	w.Str(e.Customer)
	w.RawStr(`,"email":`)
	w.Str(e.Email)
	w.RawStr(`,"placed_at":`)
	writeTimeJX(w, e.PlacedAt)
	w.RawStr(`,"total":`)
	w.Int64(e.Total)
	w.RawStr(`,"rate":`)
	w.Float64(e.Rate)
	w.RawStr(`,"express":`)
	w.Bool(e.Express)
	if e.Note != "" {
		w.RawStr(`,"note":`)
		w.Str(e.Note)
	}
	if e.Coupon != nil {
		w.RawStr(`,"coupon":`)
		w.Str(*e.Coupon)
	}
	w.RawStr(`,"tags":`)
	writeStringsJX(w, e.Tags)
	w.RawStr(`,"labels":`)
	w.ObjStart()
	first := true
	for k, v := range e.Labels { // in no order, which is less work
		if !first {
			w.Comma()
		}
		first = false
		w.FieldStart(k)
		w.Str(v)
	}
	w.ObjEnd()
	w.RawStr(`,"address":`)
	e.Address.writeJX(w)
	w.RawStr(`,"reference":`)
	writeUUIDJX(w, e.Reference)
	w.ObjEnd()
}

func (e *Placed) readJX(d *jx.Decoder) error {
	return d.ObjBytes(func(d *jx.Decoder, key []byte) (err error) {
		switch string(key) {
		case "id":
			e.ID, err = readUUIDJX(d)
		case "customer":
			e.Customer, err = d.Str()
		case "email":
			e.Email, err = d.Str()
		case "placed_at":
			e.PlacedAt, err = readTimeJX(d)
		case "total":
			e.Total, err = d.Int64()
		case "rate":
			e.Rate, err = d.Float64()
		case "express":
			e.Express, err = d.Bool()
		case "note":
			e.Note, err = d.Str()
		case "coupon":
			var s string
			s, err = d.Str()
			e.Coupon = &s
		case "tags":
			e.Tags, err = readStringsJX(d)
		case "labels":
			e.Labels = map[string]string{}
			err = d.ObjBytes(func(d *jx.Decoder, key []byte) error {
				name := string(key)
				v, err := d.Str()
				e.Labels[name] = v
				return err
			})
		case "address":
			err = e.Address.readJX(d)
		case "reference":
			e.Reference, err = readUUIDJX(d)
		default:
			err = d.Skip()
		}
		return err
	})
}

func (a *Address) writeJX(w *jx.Writer) {
	w.ObjStart()
	w.RawStr(`"street":`)
	w.Str(a.Street)
	w.RawStr(`,"city":`)
	w.Str(a.City)
	w.RawStr(`,"zip":`)
	w.Str(a.Zip)
	w.RawStr(`,"country":`)
	w.Str(a.Country)
	w.ObjEnd()
}

func (a *Address) readJX(d *jx.Decoder) error {
	return d.ObjBytes(func(d *jx.Decoder, key []byte) (err error) {
		switch string(key) {
		case "street":
			a.Street, err = d.Str()
		case "city":
			a.City, err = d.Str()
		case "zip":
			a.Zip, err = d.Str()
		case "country":
			a.Country, err = d.Str()
		default:
			err = d.Skip()
		}
		return err
	})
}

func (e *Packed) writeJX(w *jx.Writer) {
	w.ObjStart()
	w.RawStr(`"id":`)
	writeUUIDJX(w, e.ID)
	w.RawStr(`,"packed_at":`)
	writeTimeJX(w, e.PackedAt)
	w.RawStr(`,"lines":`)
	w.ArrStart()
	for i := range e.Lines {
		if i > 0 {
			w.Comma()
		}
		e.Lines[i].writeJX(w)
	}
	w.ArrEnd()
	w.RawStr(`,"comment":`)
	w.Str(e.Comment)
	w.ObjEnd()
}

func (e *Packed) readJX(d *jx.Decoder) error {
	return d.ObjBytes(func(d *jx.Decoder, key []byte) (err error) {
		switch string(key) {
		case "id":
			e.ID, err = readUUIDJX(d)
		case "packed_at":
			e.PackedAt, err = readTimeJX(d)
		case "lines":
			err = d.Arr(func(d *jx.Decoder) error {
				e.Lines = append(e.Lines, Line{})
				return e.Lines[len(e.Lines)-1].readJX(d)
			})
		case "comment":
			e.Comment, err = d.Str()
		default:
			err = d.Skip()
		}
		return err
	})
}

func (l *Line) writeJX(w *jx.Writer) {
	w.ObjStart()
	w.RawStr(`"sku":`)
	w.Str(l.SKU)
	w.RawStr(`,"name":`)
	w.Str(l.Name)
	w.RawStr(`,"quantity":`)
	w.Int(l.Quantity)
	w.RawStr(`,"price":`)
	w.Int64(l.Price)
	w.RawStr(`,"discount":`)
	w.Float64(l.Discount)
	w.RawStr(`,"added":`)
	writeTimeJX(w, l.Added)
	w.RawStr(`,"gift":`)
	w.Bool(l.Gift)
	w.RawStr(`,"tags":`)
	writeStringsJX(w, l.Tags)
	w.ObjEnd()
}

func (l *Line) readJX(d *jx.Decoder) error {
	return d.ObjBytes(func(d *jx.Decoder, key []byte) (err error) {
		switch string(key) {
		case "sku":
			l.SKU, err = d.Str()
		case "name":
			l.Name, err = d.Str()
		case "quantity":
			l.Quantity, err = d.Int()
		case "price":
			l.Price, err = d.Int64()
		case "discount":
			l.Discount, err = d.Float64()
		case "added":
			l.Added, err = readTimeJX(d)
		case "gift":
			l.Gift, err = d.Bool()
		case "tags":
			l.Tags, err = readStringsJX(d)
		default:
			err = d.Skip()
		}
		return err
	})
}

func writeUUIDJX(w *jx.Writer, id uuid.UUID) {
	var buf [38]byte
	buf[0], buf[37] = '"', '"'
	text, _ := id.MarshalText()
	copy(buf[1:], text)
	w.Raw(buf[:])
}

func readUUIDJX(d *jx.Decoder) (uuid.UUID, error) {
	b, err := d.StrBytes()
	if err != nil {
		return uuid.UUID{}, err
	}
	return uuid.ParseBytes(b)
}

func writeTimeJX(w *jx.Writer, t time.Time) {
	var buf [40]byte
	b := append(buf[:0], '"')
	b = t.AppendFormat(b, time.RFC3339Nano)
	w.Raw(append(b, '"'))
}

func readTimeJX(d *jx.Decoder) (time.Time, error) {
	s, err := d.StrBytes()
	if err != nil {
		return time.Time{}, err
	}
	var t time.Time
	err = t.UnmarshalText(s)
	return t, err
}

func writeStringsJX(w *jx.Writer, list []string) {
	w.ArrStart()
	for i, s := range list {
		if i > 0 {
			w.Comma()
		}
		w.Str(s)
	}
	w.ArrEnd()
}

func readStringsJX(d *jx.Decoder) (list []string, err error) {
	err = d.Arr(func(d *jx.Decoder) error {
		s, err := d.Str()
		list = append(list, s)
		return err
	})
	return list, err
}
