package main

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/esgen-go/esgen/cmd/esgen/internal/cli"
)

// edit is a change of a package: what is replaced in a file, once.
type edit struct{ file, old, new string }

// foldChanges give another state, or may.
var foldChanges = map[string][]edit{
	"an operator":                        {{"apply.go", "a.Balance.plus(amount)", "a.Balance.plus(-amount)"}},
	"a statement's place":                {{"apply.go", "	a.Fees = double(a.Fees)\n", ""}, {"apply.go", "	a.Balance = a.Bal", "	a.Fees = func(n int64) int64 { return n * 2 }(a.Fees)\n	a.Balance = a.Bal"}},
	"a statement less":                   {{"apply.go", "	a.Kind = e.Kind\n", ""}},
	"a number":                           {{"apply.go", "a.Fees = 1\n", "a.Fees = 2\n"}},
	"a string":                           {{"apply.go", `"base"`, `"Base"`}},
	"a function of the standard library": {{"apply.go", "ToUpper", "ToLower"}},
	"an argument":                        {{"apply.go", "fee(amount, 3)", "fee(amount, 4)"}},
	"arguments in another order":         {{"apply.go", "least(a.Balance, amount)", "least(amount, a.Balance)"}},
	"a condition":                        {{"apply.go", "line.Price > 100", "line.Price >= 100"}},
	"a case":                             {{"apply.go", "case Private:", "case Business + 1:"}},
	"a type switch's case":               {{"apply.go", "case int:", "case int32:"}},
	"continue instead of break":          {{"apply.go", "			break\n", "			continue\n"}},
	"another label's loop":               {{"apply.go", "continue lines", "continue"}, {"apply.go", "lines:\n	for i", "	for i"}},
	"a closure":                          {{"apply.go", "return n * 2", "return n * 3"}},
	"a comparison passed on":             {{"apply.go", "int(x.Price - y.Price)", "int(y.Price - x.Price)"}},
	"a field of a literal":               {{"apply.go", "Count: line.Count + 1", "Count: line.Count"}},
	"a conversion":                       {{"apply.go", "Cents(e.Amount)", "Cents(int32(e.Amount))"}},
	"a helper":                           {{"rules.go", "* percent /", "* 2 * percent /"}},
	"a helper of a helper":               {{"rules.go", "return 100 }", "return 1000 }"}},
	"a method":                           {{"rules.go", "return c + other", "return c - other"}},
	"a method that package fmt calls":    {{"rules.go", `" c"`, `" cents"`}},
	"a method behind an interface":       {{"rules.go", `return "cents"`, `return "Cents"`}},
	"a method of a type argument":        {{"rules.go", "return c < other", "return c > other"}},
	"a generic function":                 {{"rules.go", "if x.less(y) {", "if y.less(x) {"}},
	"a variadic function":                {{"rules.go", "sum += l.Price", "sum += l.Price + 1"}},
	"an increment":                       {{"rules.go", "sum := Cents(0)", "sum := Cents(1)"}},
	"a constant":                         {{"rules.go", "limit = 2 * hour", "limit = 3 * hour"}},
	"a constant of a constant":           {{"rules.go", "60 * 60", "60 * 61"}},
	"a string constant":                  {{"rules.go", `"moved"`, `"Moved"`}},
	"where iota begins":                  {{"rules.go", "iota + 1", "iota"}},
	"the order of an iota":               {{"rules.go", "	Private Kind = iota + 1\n	Business\n", "	Business Kind = iota + 1\n	Private\n"}},
	"a variable's value":                 {{"rules.go", `"silver": 2`, `"silver": 1`}},
	"an init function":                   {{"rules.go", `levels["bronze"] = 1`, `levels["bronze"] = 0`}},
	"an upcaster":                        {{"rules.go", "Kind: Private}\n", "Kind: Business}\n"}},
	"an upcaster's helper":               {{"rules.go", `"old " + name`, `"Old " + name`}},
	"an old version's tag":               {{"account.go", `json:"name"`, `json:"title"`}},
	"a default":                          {{"account.go", "default=nobody", "default=somebody"}},
	"a stored type's decoder":            {{"rules.go", "return json.Unmarshal(data, &n.text)", "n.text = string(data); return nil"}},
	"a stored type's encoder":            {{"rules.go", "return json.Marshal(n.text)", "return json.Marshal(n.text + n.text)"}},
	"a field's type":                     {{"rules.go", "Price Cents", "Price int64"}, {"apply.go", "Cents:", "int64:"}},
	"the state's shape":                  {{"account.go", "Smallest Cents", "Smallest Cents\n	Largest Cents"}},
	"an apply method written out":        {{"account.go", "//esgen:event apply=assign", "//esgen:event"}, {"apply.go", "func (a *Account) applyMoved", "func (a *Account) applyLooked(e Looked) { a.Seen = e.Seen }\n\nfunc (a *Account) applyMoved"}},
	"a field that apply=assign assigns":  {{"account.go", "	Seen int `json", "	Owner string `json:\"owner\"`\n	Seen int `json"}},
	"an event's stored name":             {{"account.go", "//esgen:event\ntype Moved", "//esgen:event name=account.paid\ntype Moved"}},
	"fold=":                              {{"account.go", "fold=1", "fold=2"}},
}

// foldRefactorings leave the fold as it is.
var foldRefactorings = map[string][]edit{
	"nothing":                       nil,
	"a comment in a body":           {{"apply.go", "	a.Kind = e.Kind\n", "	// The kind decides on the fees.\n	a.Kind = e.Kind /* of the event */\n"}},
	"doc comments":                  {{"rules.go", "// fee is a part of an amount.", "// fee is what the bank takes."}, {"apply.go", "func (a *Account) applyMoved", "// applyMoved moves.\nfunc (a *Account) applyMoved"}},
	"empty lines":                   {{"apply.go", "	a.Fees = double(a.Fees)\n", "\n\n	a.Fees = double(a.Fees)\n\n"}},
	"a call over several lines":     {{"apply.go", "least(a.Balance, amount)", "least(\n		a.Balance,\n		amount,\n	)"}},
	"parentheses":                   {{"rules.go", "int64(amount) * percent / hundred()", "((int64(amount)) * (percent)) / hundred()"}},
	"a receiver's name":             {{"rules.go", "func (c Cents) plus(other Cents) Cents { return c + other }", "func (cents Cents) plus(other Cents) Cents { return cents + other }"}},
	"a parameter's name":            {{"rules.go", "(amount Cents, percent int64)", "(sum Cents, percent int64)"}, {"rules.go", "int64(amount) *", "int64(sum) *"}},
	"a parameter without a name":    {{"rules.go", "func (c Cents) describe", "func (Cents) describe"}},
	"parameters listed one by one":  {{"rules.go", "(x, y T)", "(x T, y T)"}},
	"a named result":                {{"rules.go", "func hundred() int64 {", "func hundred() (n int64) {"}},
	"a type parameter's name":       {{"rules.go", "least[T ordered[T]](x, y T) T", "least[E ordered[E]](x, y E) E"}},
	"a local variable's name":       {{"rules.go", "	part := int64", "	share := int64"}, {"rules.go", "return part", "return share"}},
	"a local that hides another":    {{"rules.go", "	part := int64", "	fee := int64"}, {"rules.go", "return part", "return fee"}},
	"a closure's parameter":         {{"apply.go", "func(n int64) int64 { return n * 2 }", "func(fees int64) int64 { return fees * 2 }"}},
	"a loop's variable":             {{"rules.go", "for _, l := range lines", "for _, line := range lines"}, {"rules.go", "l.Price", "line.Price"}},
	"a label":                       {{"apply.go", "lines:\n", "next:\n"}, {"apply.go", "continue lines", "continue next"}},
	"a type switch's variable":      {{"apply.go", "switch v := ", "switch amount := "}, {"apply.go", "+= v\n", "+= amount\n"}, {"apply.go", "int64(v)", "int64(amount)"}},
	"an import's name":              {{"apply.go", `	"strings"`, `	str "strings"`}, {"apply.go", "strings.ToUpper", "str.ToUpper"}},
	"a dot import":                  {{"apply.go", `	"strings"`, `	. "strings"`}, {"apply.go", "strings.ToUpper", "ToUpper"}},
	"functions in another order":    {{"rules.go", "func hundred() int64 { return 100 }\n", ""}, {"rules.go", "// Cents is", "func hundred() int64 { return 100 }\n\n// Cents is"}},
	"a function in another file":    {{"rules.go", "func hundred() int64 { return 100 }\n", ""}, {"a.go", "", "package account\n\nfunc hundred() int64 { return 100 }\n"}},
	"a type in another file":        {{"rules.go", "// Line is a line of an order.\ntype Line struct {\n	Price Cents\n	Count int\n}\n", ""}, {"z.go", "", "package account\n\ntype Line struct {\n	Price Cents\n	Count int\n}\n"}},
	"fields in another order":       {{"rules.go", "	Price Cents\n	Count int\n", "	Count int\n	Price Cents\n"}},
	"a literal in another order":    {{"apply.go", "Line{Price: line.Price, Count: line.Count + 1}", "Line{Count: line.Count + 1, Price: line.Price}"}},
	"a literal without names":       {{"apply.go", "Line{Price: line.Price, Count: line.Count + 1}", "Line{line.Price, line.Count + 1}"}},
	"a number written otherwise":    {{"apply.go", "a.Fees = 1000", "a.Fees = 1_000"}},
	"a hexadecimal number":          {{"rules.go", "return 100 }", "return 0x64 }"}},
	"a raw string":                  {{"apply.go", `"base"`, "`base`"}},
	"a constant computed otherwise": {{"rules.go", "60 * 60", "3600"}},
	"a constant of its own":         {{"rules.go", "	label = \"moved\"\n", ""}, {"rules.go", "var levels", "const label = \"moved\"\n\nvar levels"}},
	"a constant more":               {{"rules.go", "	limit = 2", "	day   = 24 * hour\n	limit = 2"}},
	"an alias":                      {{"rules.go", "Price Cents", "Price Money"}, {"rules.go", "// Line is", "// Money is an amount.\ntype Money = Cents\n\n// Line is"}},
	"a command":                     {{"commands.go", "amount == 0 ||", "amount <= 0 ||"}},
	"a command's helper":            {{"commands.go", "amount < most }", "amount <= most }"}},
	"a command's constant":          {{"commands.go", "1 << 20", "1 << 30"}},
	"a command more":                {{"commands.go", "const most", "// Close closes.\nfunc (a *Account) Close() error { return a.Move(-int64(a.Balance)) }\n\nconst most"}},
	"a method more":                 {{"rules.go", "// Line is", "// Percent is a fee.\nfunc (k Kind) Percent() int64 { return int64(k) * hundred() }\n\n// Line is"}},
	"a test":                        {{"account_test.go", "", "package account\n\nfunc hundred2() int64 { return 200 }\n"}},
	"a function that doesn't build": {{"commands.go", "const most", "func broken() int { return a + nowhere.Thing }\n\nconst most"}},
	"a version of the constructor":  {{"account.go", "fold=1", "fold=1 new=Make"}},
}

// Every change of a fold's code that can give another state gives another fingerprint, and a
// refactoring gives the same. All are packages of one module, in which esgen runs for real: before
// there is any generated file, with one that belongs to other code, and again in another folder.
func TestFoldsAreToldApartByTheirCode(t *testing.T) {
	long(t)
	t.Parallel()
	base, err := txtar.ParseFile(filepath.Join("testdata", "fold", "base.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	folders := map[string]string{} // of the changes and refactorings
	var files []txtar.File
	for _, set := range []map[string][]edit{foldChanges, foldRefactorings} {
		for name, edits := range set {
			folders[name] = fmt.Sprintf("p%02d/account", len(folders))
			for _, f := range edited(t, name, base.Files, edits) {
				files = append(files, txtar.File{Name: folders[name] + "/" + f.Name, Data: f.Data})
			}
		}
	}
	if len(folders) != len(foldChanges)+len(foldRefactorings) || len(foldChanges) < 20 || len(foldRefactorings) < 20 {
		t.Fatalf("%d folders for %d changes and %d refactorings", len(folders), len(foldChanges), len(foldRefactorings))
	}

	dir := t.TempDir()
	writeModule(t, dir, files...)
	first := foldFingerprints(t, dir, folders)
	plain := first["nothing"]
	for name := range foldChanges {
		if first[name] == plain {
			t.Errorf("the same fingerprint after a change of %s", name)
		}
	}
	for name := range foldRefactorings {
		if first[name] != plain {
			t.Errorf("another fingerprint after a refactoring of %s", name)
		}
	}

	again := func(when, dir string) {
		for name, print := range foldFingerprints(t, dir, folders) {
			if first[name] != print {
				t.Errorf("%s: another fingerprint for the same code: %s", when, name)
			}
		}
	}
	stale, err := os.ReadFile(filepath.Join(dir, folders["nothing"], "es_gen.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, folder := range folders {
		writeFile(t, filepath.Join(dir, folder, "es_gen.go"), stale)
	}
	again("with stale files", dir)
	elsewhere := t.TempDir()
	writeModule(t, elsewhere, files...)
	again("elsewhere", elsewhere)
}

// edited returns the files with the edits made.
func edited(t *testing.T, name string, files []txtar.File, edits []edit) []txtar.File {
	t.Helper()
	contents := map[string]string{}
	for _, f := range files {
		contents[f.Name] = string(f.Data)
	}
	for _, e := range edits {
		if e.old == "" {
			contents[e.file] = e.new
			continue
		}
		if n := strings.Count(contents[e.file], e.old); n != 1 {
			t.Fatalf("%s: %q is %d times in %s", name, e.old, n, e.file)
		}
		contents[e.file] = strings.Replace(contents[e.file], e.old, e.new, 1)
	}
	var after []txtar.File
	for file, content := range contents {
		after = append(after, txtar.File{Name: file, Data: []byte(content)})
	}
	return after
}

var fingerprintMethod = regexp.MustCompile(`Fingerprint\(\) string\s*\{\s*return "([0-9a-f]{24})"`)

// foldFingerprints runs esgen and returns the fingerprints in the generated files.
func foldFingerprints(t *testing.T, dir string, folders map[string]string) map[string]string {
	t.Helper()
	if status, _, stderr := esgen(t, dir, "./..."); status != cli.OK {
		t.Fatalf("exit status %d: %s", status, stderr)
	}
	prints := map[string]string{}
	for name, folder := range folders {
		code, err := os.ReadFile(filepath.Join(dir, folder, "es_gen.go"))
		if err != nil {
			t.Fatal(err)
		}
		match := fingerprintMethod.FindSubmatch(code)
		if match == nil {
			t.Fatalf("%s: no fingerprint in the generated file", name)
		}
		prints[name] = string(match[1])
	}
	return prints
}
