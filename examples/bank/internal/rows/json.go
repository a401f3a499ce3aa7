package rows

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// parseJSON reads a flat object of strings. It goes token by token, since json.Unmarshal takes the
// last of two equal names without a word.
func parseJSON(text []byte) (fields, error) {
	var f fields
	decoder := json.NewDecoder(bytes.NewReader(text))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return f, errors.New(`not a JSON object such as {"id": "…", "kind": "…", "account": "…"}`)
	}
	seen := map[string]bool{}
	for decoder.More() {
		token, err := decoder.Token()
		if err != nil {
			return f, malformed(err)
		}
		name := token.(string) // Token reports any other key as an error
		field := f.column(name)
		if field == nil {
			return f, fmt.Errorf("%.40q is none of %s", name, strings.Join(columnNames, ", "))
		}
		if seen[name] {
			return f, fmt.Errorf("%q is there twice", name)
		}
		seen[name] = true
		value, err := decoder.Token()
		if err != nil {
			return f, malformed(err)
		}
		text, ok := value.(string)
		if !ok {
			return f, fmt.Errorf(`%q must be a string, as in "amount": "12.34 EUR"`, name)
		}
		*field = text
	}
	if _, err := decoder.Token(); err != nil { // the closing brace
		return f, malformed(err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return f, errors.New("there is more in the line than one JSON object")
	}
	return f, nil
}

func malformed(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return errors.New("the JSON object is cut off")
	}
	return fmt.Errorf("not valid JSON: %w", err)
}
