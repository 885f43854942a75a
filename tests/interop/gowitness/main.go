// Gowitness is the other side of C2SP tlog-witness, in code none of us wrote as far as that exists: notes and
// trees are the Go team's golang.org/x/mod/sumdb/{note,tlog}; cosignatures (type 04) are made by hand here.
//
//	gowitness key   NAME SEED                    prints the log's verifier key and the witness's
//	gowitness serve NAME SEED LOGVKEY            a witness: prints its address, answers until standard input ends
//	gowitness log   NAME SEED URL WITNESSVKEY    a log: asks the witness at URL to cosign it, prints what it did
//	gowitness check QUORUM LOGVKEY NOTE VKEY...  accepts a cosigned checkpoint, or exits with status 1
//
// SEED is 64 hex digits, from which the Ed25519 key comes.
package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gowitness:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) < 3 {
		return errors.New("key|serve|log|check with their arguments")
	}
	if args[0] == "check" {
		return check(args[1], args[2], args[3], args[4:])
	}
	seed, err := hex.DecodeString(args[2])
	if err != nil || len(seed) != 32 {
		return errors.New("the seed is 64 hex digits")
	}
	switch args[0] {
	case "key":
		signer, err := newLogSigner(args[1], seed)
		if err != nil {
			return err
		}
		fmt.Println(signer.vkey)
		fmt.Println(newCosigner(args[1], seed).vkey())
		return nil
	case "serve":
		return serve(newCosigner(args[1], seed), args[3])
	case "log":
		return play(args[1], seed, args[3], args[4])
	}
	return errors.New("no such command: " + args[0])
}

// check opens a cosigned checkpoint as a client with a trust policy does: the log's line, and enough witnesses.
func check(quorum, logKey, file string, witnesses []string) error {
	want, err := strconv.Atoi(quorum)
	if err != nil {
		return err
	}
	logVerifier, err := note.NewVerifier(logKey)
	if err != nil {
		return err
	}
	verifiers := []note.Verifier{logVerifier}
	for _, text := range witnesses {
		verifier, err := newCosignatureVerifier(text)
		if err != nil {
			return err
		}
		verifiers = append(verifiers, verifier)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	opened, err := note.Open(data, note.VerifierList(verifiers...))
	if err != nil {
		return err
	}
	tree, err := parseCheckpoint(opened.Text, logVerifier.Name())
	if err != nil {
		return err
	}
	var names []string
	signedByLog := false
	for _, sig := range opened.Sigs {
		if sig.Name == logVerifier.Name() && sig.Hash == logVerifier.KeyHash() {
			signedByLog = true
		} else {
			names = append(names, sig.Name)
		}
	}
	if !signedByLog || len(names) < want {
		return fmt.Errorf("signed by the log: %v, cosigned by %d of %d", signedByLog, len(names), want)
	}
	fmt.Printf("ok size=%d cosigned by %s\n", tree.N, strings.Join(names, " "))
	return nil
}
