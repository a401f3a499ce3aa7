package lock

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/esgen-go/esgen/cmd/esgen/internal/names"
	"github.com/esgen-go/esgen/cmd/esgen/internal/shape"
)

// Struct returns Go declarations, on one line, of a struct of that name with a locked shape. Types that are stored alike
// and are current are mentioned by their names, and others declared too, with names that are not taken.
func Struct(name string, version int, t *shape.Type, current map[string]*shape.Type, taken func(string) bool) string {
	p := &printer{version: version, current: current, taken: taken, names: map[*shape.Type]string{t: name}, used: map[string]bool{name: true}}
	p.declare(t)
	for i := 0; i < len(p.queue); i++ {
		p.declare(p.queue[i])
	}
	return strings.Join(p.done, "; ")
}

type printer struct {
	version int
	current map[string]*shape.Type
	taken   func(string) bool
	names   map[*shape.Type]string
	used    map[string]bool
	queue   []*shape.Type
	done    []string
}

func (p *printer) declare(t *shape.Type) {
	text := p.inner(t)
	if t.Kind == shape.Marshaler || t.Kind == shape.Text {
		text = "struct { … }" // and its methods, which the lock doesn't know
	}
	p.done = append(p.done, "type "+p.names[t]+" "+text)
}

// expr writes the type as Go does.
func (p *printer) expr(t *shape.Type) string {
	if name := p.names[t]; name != "" {
		return name
	}
	now := p.current[t.Name]
	if t.Name != "" && now != nil && now.Kind == t.Kind && (Same(now, t) || len(t.Enum) > 0 && now.Bits == t.Bits) {
		return t.Name
	}
	if t.Kind != shape.Struct && t.Kind != shape.Marshaler && t.Kind != shape.Text && !(t.Name != "" && within(t, t)) {
		return p.inner(t)
	}
	_, local, qualified := strings.Cut(t.Name, ".")
	if !qualified {
		local = t.Name
	}
	local = names.Old(strings.Map(identifier, local), p.version)
	name := local
	for i := 2; p.used[name] || p.taken(name); i++ {
		name = local + "_" + strconv.Itoa(i)
	}
	p.names[t], p.used[name] = name, true
	p.queue = append(p.queue, t)
	return name
}

func identifier(r rune) rune {
	if strings.ContainsRune("[]*.,/#", r) {
		return -1
	}
	return r
}

// inner writes what a type is made of.
func (p *printer) inner(t *shape.Type) string {
	switch t.Kind {
	case shape.Struct:
		return p.structure(t)
	case shape.Pointer:
		return "*" + p.expr(t.Elem)
	case shape.Slice:
		return "[]" + p.expr(t.Elem)
	case shape.Array:
		return fmt.Sprintf("[%d]%s", t.Len, p.expr(t.Elem))
	case shape.Map:
		return "map[" + p.expr(t.Key) + "]" + p.expr(t.Elem)
	case shape.Bytes:
		return "[]byte"
	case shape.Time:
		return "time.Time"
	case shape.UUID:
		return "uuid.UUID"
	case shape.Raw:
		return "json.RawMessage"
	case shape.Number:
		return "json.Number"
	}
	return Basic(t)
}

func (p *printer) structure(t *shape.Type) string {
	var fields []string
	used := map[string]bool{}
	for _, f := range t.Fields {
		name := f.Go
		for i := 2; used[name]; i++ {
			name = f.Go + strconv.Itoa(i)
		}
		used[name] = true
		json := f.Name
		for _, option := range []struct {
			name string
			is   bool
		}{{"omitempty", f.OmitEmpty || f.Behind && !f.OmitZero}, {"omitzero", f.OmitZero}, {"string", f.Quoted}} {
			if option.is {
				json += "," + option.name
			}
		}
		tag := "json:" + strconv.Quote(json)
		var own []string
		for _, was := range f.Was {
			own = append(own, "was="+was)
		}
		if f.Default != nil {
			own = append(own, "default="+*f.Default)
		}
		if len(own) > 0 {
			tag += " esgen:" + strconv.Quote(strings.Join(own, ","))
		}
		if strconv.CanBackquote(tag) {
			tag = "`" + tag + "`"
		} else {
			tag = strconv.Quote(tag)
		}
		fields = append(fields, name+" "+p.expr(f.Type)+" "+tag)
	}
	if len(fields) == 0 {
		return "struct{}"
	}
	return "struct { " + strings.Join(fields, "; ") + " }"
}
