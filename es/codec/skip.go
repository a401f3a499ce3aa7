package codec

// Skip moves over one value of any kind, which it checks as strictly as if it
// were decoded. It keeps its own stack, since the text decides how deep that gets.
func (d *Decoder) Skip() {
	var small [64]bool
	objects := small[:0] // for each open level whether it is an object
	for d.skipOne(&objects) {
		// Behind a value: close what ends here, then go on behind a comma.
		for {
			if len(objects) == 0 {
				return
			}
			object := objects[len(objects)-1]
			c := d.peek()
			if c == ',' {
				d.pos++
				if object {
					d.peek()
					if !d.skipName() {
						return
					}
				}
				break
			}
			if object && c != '}' || !object && c != ']' {
				d.unexpected("a comma or the end")
				return
			}
			d.close(object)
			objects = objects[:len(objects)-1]
		}
	}
}

// skipOne moves over a scalar, an empty array or object, or to the first value in
// one. It reports whether a value has ended and no error occurred.
func (d *Decoder) skipOne(objects *[]bool) bool {
	for d.err == nil {
		switch c := d.peek(); {
		case c == '{' || c == '[':
			if !d.enter() {
				return false
			}
			object := c == '{'
			if next := d.peek(); object && next == '}' || !object && next == ']' {
				d.close(object)
				return true
			}
			*objects = append(*objects, object)
			if object && !d.skipName() {
				return false
			}
			continue
		case c == '"':
			d.skipString()
		case c == 't' && d.literal("true"), c == 'f' && d.literal("false"), c == 'n' && d.literal("null"):
		case c == '-', '0' <= c && c <= '9':
			d.number()
		default:
			d.unexpected("a value")
		}
		return d.err == nil
	}
	return false
}

func (d *Decoder) close(object bool) {
	d.pos++
	if object {
		d.names.leave(d.depth)
	}
	d.depth--
}

func (d *Decoder) skipName() bool {
	name, ok := d.name()
	if ok && !d.names.add(d.depth, name) {
		d.Duplicate()
		return false
	}
	return ok
}

func (d *Decoder) skipString() {
	start := d.pos + 1
	if end := plainEnd(d.data, start); end < len(d.data) && d.data[end] == '"' {
		d.pos = end + 1
		return
	}
	d.stringBytes("a string")
}

// appendCompact appends the JSON value in text without the space between its
// tokens, if it is one that decoding accepts.
func appendCompact(dst, text []byte) ([]byte, error) {
	d := NewDecoder(text)
	d.Skip()
	if err := d.End(); err != nil {
		return dst, failed(wrongf(ErrSyntax, "the marshaled value: %w", err))
	}
	start := 0
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case ' ', '\t', '\n', '\r':
			dst = append(dst, text[start:i]...)
			start = i + 1
		case '"':
			for i++; text[i] != '"'; i++ {
				if text[i] == '\\' {
					i++
				}
			}
		}
	}
	return append(dst, text[start:]...), nil
}

// pathTo finds the path of the value at data[at] by reading the text again, which
// must be right up to there: so decoding needs to keep no track of it.
func pathTo(data []byte, at int) string {
	type level struct {
		object, named bool
		name          string
		index         int
	}
	var open []level
	for i := 0; i < at && i < len(data); i++ {
		switch data[i] {
		case '{':
			open = append(open, level{object: true})
		case '[':
			open = append(open, level{})
		case '}', ']':
			if len(open) > 0 {
				open = open[:len(open)-1]
			}
		case ',':
			if len(open) > 0 {
				l := &open[len(open)-1]
				l.named = false
				l.index++
			}
		case '"':
			start := i + 1
			for i++; i < len(data) && data[i] != '"'; i++ {
				if data[i] == '\\' {
					i++
				}
			}
			if len(open) == 0 {
				continue
			}
			if l := &open[len(open)-1]; l.object && !l.named {
				name, _, _ := unescape(nil, data, start)
				l.name, l.named = string(name), true
			}
		}
	}
	if at < len(data) && (data[at] == '}' || data[at] == ']') && len(open) > 0 {
		open = open[:len(open)-1] // the fault is the whole array's or object's
	}
	path := ""
	const most = 50
	for i := len(open) - 1; i >= 0; i-- {
		if len(open)-i > most {
			return "…" + path
		}
		switch l := open[i]; {
		case !l.object:
			path = join(indexStep(l.index), path)
		case l.named:
			path = join(member(l.name), path)
		}
	}
	return path
}
