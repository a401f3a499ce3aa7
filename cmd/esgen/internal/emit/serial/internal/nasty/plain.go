package nasty

import (
	"encoding/json"
	"errors"
	"strings"
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

// Custom is an event that marshals itself.
type Custom struct{ Parts []string }

// MarshalJSON writes a list.
func (c Custom) MarshalJSON() ([]byte, error) {
	list := []string{"custom"}
	for _, p := range c.Parts {
		list = append(list, strings.ToValidUTF8(p, "?"))
	}
	return json.Marshal(list)
}

// UnmarshalJSON reads what MarshalJSON writes.
func (c *Custom) UnmarshalJSON(data []byte) error {
	var list []string
	if err := json.Unmarshal(data, &list); err != nil {
		return err
	}
	if len(list) == 0 || list[0] != "custom" {
		return errors.New("no custom list")
	}
	c.Parts = list[1:]
	return nil
}

// Tagged embeds a struct under a name.
type Tagged struct {
	hidden `json:"h"`
	Named  Custom `json:"c"`
	Also   *Custom
	More   map[string]*Custom
	Again  []Custom `json:",omitempty"`
}
