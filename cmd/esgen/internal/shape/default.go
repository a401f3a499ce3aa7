package shape

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// eventTag reads the esgen tag of an event's field: former names, then a default, which takes the rest.
func (b *builder) eventTag(f *Field, tag, at string) {
	for tag != "" {
		if value, ok := strings.CutPrefix(tag, "default="); ok {
			if strings.Contains(value, ",was=") {
				b.problem(at, fmt.Sprintf("the default %q takes the rest of the tag", value), "write was= before default=")
				return
			}
			b.setDefault(f, value, at)
			return
		}
		option, rest, more := strings.Cut(tag, ",")
		was, ok := strings.CutPrefix(option, "was=")
		switch {
		case ok:
			b.setWas(f, was, at)
		case tag == "-":
			b.problem(at, `esgen:"-" is for states`, `leave the field out of an event with json:"-"`)
		default:
			b.problem(at, fmt.Sprintf("esgen:%q is not known here", option), `an event's field takes esgen:"was=name", its former name, and esgen:"default=value", in this order and with a comma between`)
		}
		if more && rest == "" {
			b.problem(at, "the esgen tag ends with a comma", "remove that")
		}
		tag = rest
	}
}

// setWas adds a former name.
func (b *builder) setWas(f *Field, was, at string) {
	switch {
	case !validName(was):
		b.problem(at, fmt.Sprintf("was=%s is no name that encoding/json takes", was), "write the name that the field had in JSON")
	case was == f.Name:
		b.problem(at, fmt.Sprintf("was=%s is the name that the field has", was), "write the name that it had before, or remove the esgen tag")
	case slices.Contains(f.Was, was):
		b.problem(at, fmt.Sprintf("was=%s is given twice", was), "remove one of them")
	default:
		f.Was = append(f.Was, was)
	}
}

// setDefault checks that the value is one of the field's type.
func (b *builder) setDefault(f *Field, value, at string) {
	var err error
	var zero bool
	switch t := f.Type; t.Kind {
	case Bool:
		switch value {
		case "true", "false":
		default:
			err = strconv.ErrSyntax
		}
		zero = value == "false"
	case Int:
		var n int64
		n, err = strconv.ParseInt(value, 10, t.Bits)
		zero = n == 0
	case Uint:
		var n uint64
		n, err = strconv.ParseUint(value, 10, t.Bits)
		zero = n == 0
	case Float:
		var n float64
		n, err = strconv.ParseFloat(value, t.Bits)
		zero = n == 0
		if strings.Trim(value, "+-0123456789.eE") != "" {
			err = strconv.ErrSyntax // NaN, Inf, hexadecimal, underscores
		}
	case String:
		zero = value == ""
		if strings.ToValidUTF8(value, "") != value {
			err = strconv.ErrSyntax
		}
	case Invalid:
		return
	default:
		b.problem(at, fmt.Sprintf("a default is for booleans, numbers and strings, not for a %s", t.Kind), "make the field a pointer or omitempty, or write an upcaster")
		return
	}
	switch {
	case f.Behind:
		b.problem(at, "a default in an embedded pointer can't be set while that is nil", "embed the struct without the pointer, or drop the default")
	case err != nil:
		b.problem(at, fmt.Sprintf("the default %q is no value of type %s", value, name(f.Type.Go)), "write a value that fits")
	case !zero && (f.OmitEmpty || f.OmitZero):
		b.problem(at, fmt.Sprintf("a zero value would be left out and come back as %q", value), "use either the default or omitempty/omitzero")
	default:
		f.Default = &value
	}
}
