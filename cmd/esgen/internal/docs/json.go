package docs

import (
	"bytes"
	"encoding/json"
)

// object is a JSON object whose members keep their order.
type object []member

type member struct {
	name  string
	value any
}

// add adds a member.
func (o *object) add(name string, value any) { *o = append(*o, member{name, value}) }

// addText adds a text, if there is one.
func (o *object) addText(name, text string) {
	if text != "" {
		o.add(name, text)
	}
}

// MarshalJSON implements [json.Marshaler].
func (o object) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, m := range o {
		if i > 0 {
			b.WriteByte(',')
		}
		for j, part := range []any{m.name, m.value} {
			if j > 0 {
				b.WriteByte(':')
			}
			text, err := marshal(part)
			if err != nil {
				return nil, err
			}
			b.Write(text)
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// document returns an object as a file.
func document(o object) []byte {
	text, err := marshal(o)
	if err != nil {
		panic("docs: " + err.Error()) // made of texts, numbers and objects only
	}
	var b bytes.Buffer
	if err := json.Indent(&b, text, "", "  "); err != nil {
		panic("docs: " + err.Error())
	}
	b.WriteByte('\n')
	return b.Bytes()
}
