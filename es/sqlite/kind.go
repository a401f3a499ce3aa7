package sqlite

import "fmt"

// kind is what the table types interns.
type kind struct {
	name   string
	schema int
}

// kind returns the key of a type, which it stores if it is new.
func (t *tx) kind(name string, schema int) (key int64, err error) {
	k := kind{name, schema}
	if key, ok := t.kinds[k]; ok {
		return key, nil
	}
	found, err := t.one("SELECT key FROM types WHERE name = ? AND schema = ?", func(r *row) { key = r.int(0) }, name, int64(schema))
	if err == nil && !found {
		key, err = t.exec("INSERT INTO types (name, schema) VALUES (?, ?)", name, int64(schema))
	}
	if err != nil {
		return 0, err
	}
	t.kinds[k] = key // forgotten if the commit fails
	return key, nil
}

// kindOf returns the type that a key stands for. Types are only ever added, so they are
// read again only for a key that is not known yet.
func (s *Store) kindOf(c *conn, key int64) (kind, error) {
	if kinds := *s.kinds.Load(); key > 0 && key < int64(len(kinds)) {
		return kinds[key], nil
	}
	kinds := []kind{{}} // keys start at 1
	err := c.each("SELECT key, name, schema FROM types ORDER BY key", func(r *row) bool {
		if r.int(0) != int64(len(kinds)) {
			r.fail(fmt.Errorf("%w (event type %d is missing)", errDamaged, len(kinds)))
			return false
		}
		kinds = append(kinds, kind{r.text(1), int(r.int(2))})
		return true
	})
	if err != nil {
		return kind{}, err
	}
	s.kinds.Store(&kinds)
	if key < 1 || key >= int64(len(kinds)) {
		return kind{}, fmt.Errorf("%w (event type %d is missing)", errDamaged, key)
	}
	return kinds[key], nil
}
