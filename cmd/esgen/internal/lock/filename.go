package lock

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// FileName returns the name of the file of an event. Names that differ have files that differ, on
// file systems that take upper case for lower too, and every file system takes them: an
// upper-case letter is written as ! and its lower case, what else may be misunderstood as in URLs.
func FileName(event string) string {
	var b strings.Builder
	first, _, _ := strings.Cut(event, ".")
	for i, c := range []byte(event) {
		switch {
		case c >= 'A' && c <= 'Z':
			b.WriteByte('!')
			b.WriteByte(c + 'a' - 'A')
		case i == 0 && (c == '.' || reserved[strings.ToLower(first)]), c == '/', c == ':':
			b.WriteString("%" + strings.ToUpper(hex.EncodeToString([]byte{c})))
		default:
			b.WriteByte(c)
		}
	}
	name := b.String()
	const longest = 180
	if len(name) > longest {
		sum := sha256.Sum256([]byte(event))
		name = name[:100] + "%" + hex.EncodeToString(sum[:16])
	}
	return name + ".json"
}

// reserved are the names that Windows keeps for devices, whatever follows the first dot.
var reserved = func() map[string]bool {
	all := map[string]bool{"con": true, "prn": true, "aux": true, "nul": true}
	for _, digit := range "0123456789" {
		all["com"+string(digit)], all["lpt"+string(digit)] = true, true
	}
	return all
}()
