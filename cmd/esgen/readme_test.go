package main

import (
	"bytes"
	"go/format"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/esgen-go/esgen/internal/guides"
)

// The tour in the README is walked as it is written there, but for the go.mod, which needs no network here.
func TestTheReadmesTourRuns(t *testing.T) {
	long(t)
	t.Parallel()
	readme := filepath.Join(root, "README.md")
	blocks := guides.Blocks(t, readme, "go")
	block := func(begin string) string {
		t.Helper()
		for _, b := range blocks {
			if strings.HasPrefix(b, begin) {
				return b
			}
		}
		t.Fatalf("the README has no code that begins with %q", begin)
		return ""
	}
	shop := tour{T: t, dir: t.TempDir()}
	for name, data := range moduleFiles(t) {
		if name == "go.mod" {
			data = bytes.Replace(data, []byte("module example.com/app\n"), []byte("module example.com/shop\n\ntool github.com/esgen-go/esgen/cmd/esgen\n"), 1)
		}
		writeFile(t, filepath.Join(shop.dir, name), data)
	}

	// 1 to 4: the domain, the generated code, the program, a test.
	shop.write("account/account.go", block("package account\n\nimport"))
	shop.run("", "go", "generate", "./...")
	shop.write("main.go", block("package main\n"))
	promised := regexp.MustCompile(`(?m)^go run \. +# (.+)$`).FindAllStringSubmatch(strings.Join(guides.Blocks(t, readme, "sh"), ""), -1)
	if len(promised) != 2 {
		t.Fatalf("the README promises %d runs of the program", len(promised))
	}
	for _, line := range promised {
		if out := shop.run("", "go", "run", "."); out != line[1]+"\n" {
			t.Errorf("the program prints %q, the README promises %q", out, line[1])
		}
	}
	shop.write("account/account_test.go", block("package account_test\n"))
	shop.run("", "go", "test", "./...")

	// 5: a change, and what the README says in words of it.
	opened := block("// Opened starts an account's life.\n//\n//esgen:event version=2\n")
	shop.edit("account/account.go", `(?s)// Opened starts an account's life\..*?\n}\n`, opened)
	shop.edit("account/account.go", `Owner   string\n`, "Owner string\nCurrency string\n")
	shop.edit("account/account.go", `{ a.Owner = e.Owner }`, "{ a.Owner, a.Currency = e.Holder, e.Currency }")
	shop.edit("account/account.go", `Opened{Owner: owner}`, `Opened{Holder: owner, Currency: "EUR"}`)
	shop.edit("account/account_test.go", `account.Opened{Owner: "Ada"}`, `account.Opened{Holder: "Ada", Currency: "EUR"}`)
	shop.edit("account/account_test.go", `"github.com/esgen-go/esgen/aggregate/aggregatetest"`, "$0\n\"github.com/esgen-go/esgen/es\"")
	shop.write("account/account_test.go", shop.read("account/account_test.go")+"\n"+block("func TestAnAccountFromBeforeCurrencies"))
	shop.run("", "go", "generate", "./...")
	if out := shop.fails("go", "test", "./account"); !strings.Contains(out, "ESGEN_GOLDEN=accept") || strings.Contains(out, "FAIL: TestAnAccount") {
		t.Errorf("the test of the golden corpus says\n%s", out)
	}
	shop.run("ESGEN_GOLDEN=accept", "go", "test", "./account")
	shop.run("", "go", "test", "./account")
	if out := shop.run("", "go", "run", "."); out != "Ada has 1500 at version 4\n" {
		t.Errorf("after the change the program prints %q", out)
	}

	// … and the upcaster for what can't be said with a tag.
	shop.edit("account/account.go", ` esgen:"was=owner"`, "")
	shop.edit("account/account.go", ` esgen:"default=EUR"`, "")
	shop.edit("account/account.go", `"errors"`, "\"errors\"\n\"strings\"")
	shop.write("account/account.go", shop.read("account/account.go")+"\n"+block("type OpenedV1 struct"))
	shop.run("", "go", "generate", "./...")
	shop.run("ESGEN_GOLDEN=accept", "go", "test", "./account")
	if out := shop.run("", "go", "run", "."); out != "ADA has 2000 at version 5\n" {
		t.Errorf("with the upcaster the program prints %q", out)
	}

	// 6 to 8: vet, the feed, a subscription.
	if out := shop.run("", "go", "tool", "esgen", "vet", "./..."); out != "" {
		t.Errorf("esgen vet says of the tour\n%s", out)
	}
	shop.write("main.go", `package main

import (
	"context"
	"fmt"
	"log"

	"github.com/google/uuid"

	"example.com/shop/account"
	"github.com/esgen-go/esgen/es"
	"github.com/esgen-go/esgen/es/sqlite"
	"github.com/esgen-go/esgen/es/subscription"
)

func main() {
	ctx, stop := context.WithCancel(context.Background())
	store, err := sqlite.Open(ctx, "shop.db")
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	if err := feed(ctx, store); err != nil {
		log.Fatal(err)
	}
	greeted := 0
	welcome := func(context.Context, account.AccountEvent, uuid.UUID) error {
		if greeted++; greeted == 5 {
			fmt.Println("all are welcome")
			stop()
		}
		return nil
	}
	if err := react(ctx, store, welcome); err != nil {
		log.Fatal(err)
	}
}

func feed(ctx context.Context, store *sqlite.Store) error {
`+block("var scanned es.Position\n")+`}

func react(ctx context.Context, store *sqlite.Store, welcome func(context.Context, account.AccountEvent, uuid.UUID) error) error {
`+block("sub, err := subscription.New")+`}
`)
	if out := shop.run("", "go", "run", "."); !strings.HasPrefix(out, "1 account-ada [{ADA EUR}]\n2 account-ada [{500}]\n") || !strings.HasSuffix(out, "5 account-ada [{500}]\nall are welcome\n") {
		t.Errorf("the feed and the subscription print\n%s", out)
	}
}

func TestTheReadmesCodeIsFormatted(t *testing.T) {
	t.Parallel()
	for _, block := range guides.Blocks(t, filepath.Join(root, "README.md"), "go") {
		if strings.HasPrefix(block, "type OpenedV1 struct {") {
			continue // as esgen prints it, on one line
		}
		formatted, err := format.Source([]byte(block))
		if err != nil || string(formatted) != block {
			t.Errorf("%v: gofmt makes of\n%s\nthis:\n%s", err, block, formatted)
		}
	}
}

// tour is a module that is made step by step.
type tour struct {
	*testing.T
	dir string
}

func (s tour) write(name, text string) { writeFile(s, filepath.Join(s.dir, name), []byte(text)) }

func (s tour) read(name string) string {
	s.Helper()
	text, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		s.Fatal(err)
	}
	return string(text)
}

// edit replaces the one place that a pattern finds.
func (s tour) edit(name, pattern, with string) {
	s.Helper()
	text := s.read(name)
	if _, err := regexp.Compile(pattern); err != nil {
		pattern = regexp.QuoteMeta(pattern)
	}
	re := regexp.MustCompile(pattern)
	if n := len(re.FindAllString(text, -1)); n != 1 {
		s.Fatalf("%s has %d places that match %s", name, n, pattern)
	}
	s.write(name, re.ReplaceAllString(text, with))
}

func (s tour) run(env string, command ...string) string {
	s.Helper()
	out, err := s.command(env, command)
	if err != nil {
		s.Fatalf("%s: %v\n%s", strings.Join(command, " "), err, out)
	}
	return out
}

func (s tour) fails(command ...string) string {
	s.Helper()
	out, err := s.command("", command)
	if err == nil {
		s.Fatalf("%s does not fail:\n%s", strings.Join(command, " "), out)
	}
	return out
}

func (s tour) command(env string, command []string) (string, error) {
	cmd := exec.CommandContext(s.Context(), command[0], command[1:]...)
	cmd.Dir = s.dir
	cmd.Env = append(os.Environ(), "GOWORK=off")
	if env != "" {
		cmd.Env = append(cmd.Env, env)
	}
	out, err := cmd.CombinedOutput()
	return string(out), err
}
