package scaffold_test

import (
	"strings"
	"testing"

	"github.com/esgen-go/esgen/cmd/esgen/internal/scaffold"
)

func TestNamesFollowFromTheFolder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		folder, category string
		want             scaffold.Names
		arg              string
	}{
		{"account", "", scaffold.Names{Type: "Account", Package: "account", Category: "account"}, ""},
		{"order_line", "", scaffold.Names{Type: "OrderLine", Package: "orderline", Category: "order_line"}, ""},
		{"order_2x", "", scaffold.Names{Type: "Order2x", Package: "order2x", Category: "order_2x"}, "order_2x"},
		{"x_ray", "", scaffold.Names{Type: "XRay", Package: "xray", Category: "x_ray"}, ""},
		{"a_b", "", scaffold.Names{Type: "AB", Package: "ab", Category: "a_b"}, "a_b"},
		{"order_test", "", scaffold.Names{Type: "OrderTest", Package: "ordertest", Category: "order_test"}, ""},
		{"order", "sales_order", scaffold.Names{Type: "Order", Package: "order", Category: "sales_order"}, "sales_order"},
	} {
		got, err := scaffold.ParseName(c.folder, c.category)
		if err != nil || got != c.want || got.NameArg() != c.arg {
			t.Errorf("ParseName(%q, %q) = %+v, name=%s, %v", c.folder, c.category, got, got.NameArg(), err)
		}
	}
}

func TestBadNamesAreRefusedWithAGoodOne(t *testing.T) {
	t.Parallel()
	for folder, instead := range map[string]string{
		"Account":         "account",
		"OrderLine":       "order_line",
		"order-line":      "order_line",
		"order line":      "order_line",
		"_order":          "order",
		"order_":          "order",
		"order__line":     "order_line",
		"2orders":         "orders",
		"über":            "ber",
		"注文":              "",
		"":                "",
		".":               "",
		"..":              "",
		"type":            "types",
		"func":            "funcs",
		"ty_pe":           "ty_pes",
		"string":          "strings",
		"error":           "errors",
		"new":             "news",
		"main":            "mains",
		"internal":        "internals",
		"vendor":          "vendors",
		"testdata":        "testdatas",
		"created":         "createds",
		"renamed":         "renameds",
		"decode":          "decodes",
		"t":               "ts",
		"testing":         "testings",
		"aggregatetest":   "aggregatetests",
		"order;rm":        "order_rm",
		"order\nline":     "order_line",
		"\"quoted\"":      "quoted",
		"account.account": "account_account",
	} {
		_, err := scaffold.ParseName(folder, "")
		if err == nil {
			t.Errorf("%q is accepted", folder)
			continue
		}
		_, got, _ := strings.Cut(err.Error(), ": write ")
		if got != instead {
			t.Errorf("%q: suggests %q, want %q: %v", folder, got, instead, err)
		}
		if got != "" {
			if _, err := scaffold.ParseName(got, ""); err != nil {
				t.Errorf("%q: the suggestion is refused: %v", folder, err)
			}
		}
	}
	for _, category := range []string{"Sales", "sales-order", "é"} {
		if _, err := scaffold.ParseName("order", category); err == nil {
			t.Errorf("category %q is accepted", category)
		}
	}
}
