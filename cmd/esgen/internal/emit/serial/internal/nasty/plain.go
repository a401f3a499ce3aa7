package nasty

import (
	"encoding/json"
	"time"

	"github.com/google/uuid"
)

// The following have one field each, for the tests of single rules.
type (
	Text struct {
		S string `json:"s"`
	}
	Moment struct {
		T time.Time `json:"t"`
	}
	Blob struct {
		B []byte `json:"b"`
	}
	Two struct {
		A [2]int `json:"a"`
	}
	Quote struct {
		I int `json:"i,string"`
	}
	Count struct {
		N json.Number `json:"n"`
	}
	Ints struct {
		M map[int]int `json:"m"`
	}
	Times struct {
		M map[time.Time]int `json:"m"`
	}
	IDs struct {
		M map[uuid.UUID]int `json:"m"`
	}
)
