package operation

import (
	"errors"
	"fmt"

	"github.com/esgen-go/esgen/es"
)

// CheckID tells why no operation, and no account either, can have an id; nil if one can. Ids are
// parts of the names of streams, which all stores take.
func CheckID(id string) error {
	switch {
	case id == "":
		return errors.New("it must not be empty")
	case (es.Stream{Category: "operation", ID: id}).Validate() != nil:
		return fmt.Errorf("taken are ASCII letters, digits and - _ : @ = +, at most %d", es.MaxStreamIDLen)
	}
	return nil
}
