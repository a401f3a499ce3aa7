package jsondiff_test

import (
	"fmt"
	"testing"

	"github.com/esgen-go/esgen/internal/jsondiff"
)

func TestCompareNamesEachPlaceThatDiffers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, before, after, want string }{
		{"equal", `{"a":1}`, `{"a":1}`, `[]`},
		{"a value", `{"a":1,"b":"x"}`, `{"a":2,"b":"x"}`, `[a: 1 → 2]`},
		{"nested", `{"a":{"b":[1,{"c":true}]}}`, `{"a":{"b":[1,{"c":false}]}}`, `[a.b[1].c: true → false]`},
		{"absent", `{"a":1}`, `{"b":{"x":1}}`, `[a: 1 → (absent) b: (absent) → {"x":1}]`},
		{"longer and shorter lists", `{"a":[1],"b":[1,2]}`, `{"a":[1,2],"b":[1]}`, `[a[1]: (absent) → 2 b[1]: 2 → (absent)]`},
		{"null and empty", `{"a":null}`, `{"a":[]}`, `[a: null → []]`},
		{"another kind", `{"a":[1]}`, `{"a":{"b":1}}`, `[a: [1] → {"b":1}]`},
		{"a number's last digit", `9007199254740993`, `9007199254740992`, `[(all): 9007199254740993 → 9007199254740992]`},
		{"text that is not escaped", `"<a>"`, `"<b>"`, `[(all): "<a>" → "<b>"]`},
		{"spelling alone", `{"a":1,"b":2}`, `{"b":2,"a":1}`, `[(all): {"a":1,"b":2} → {"b":2,"a":1}]`},
		{"no JSON", `{"a":1}`, `oops`, `[(all): {"a":1} → oops]`},
		{"trailing data", `1`, `1 2`, `[(all): 1 → 1 2]`},
		{"nothing", ``, `1`, `[(all): (absent) → 1]`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := fmt.Sprint(jsondiff.Compare([]byte(c.before), []byte(c.after))); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}
