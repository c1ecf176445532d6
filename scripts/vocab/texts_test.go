package main

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"golang.org/x/text/unicode/norm"
)

// text is one string to tokenize; the table of differences names it.
type text struct{ name, content string }

// writing is a sentence or two in each of many scripts.
var writing = []text{
	{"english", "The quick brown fox jumps over the lazy dog. It's what we'd've said, isn't it?"},
	{"french", "Dès Noël, où un zéphyr haï me vêt de glaçons würmiens, je dîne d’exquis rôtis."},
	{"german", "Falsches Üben von Xylophonmusik quält jeden größeren Zwerg; STRASSE, Straße, ẞ."},
	{"vietnamese", "Tất cả mọi người sinh ra đều được tự do và bình đẳng về nhân phẩm và quyền lợi."},
	{"turkish", "Pijamalı hasta yağız şoföre çabucak güvendi. İstanbul'da ılık, IĞDIR'da soğuk."},
	{"polish", "Zażółć gęślą jaźń, pchnąć w tę łódź jeża lub ośm skrzyń fig."},
	{"russian", "Съешь же ещё этих мягких французских булок, да выпей чаю! Объём — 12 л."},
	{"ukrainian", "Чуєш їх, доцю, га? Кумедна ж ти, прощайся без ґольфів!"},
	{"greek", "Ξεσκεπάζω την ψυχοφθόρα βδελυγμία. Ὀδυσσεὺς ἦλθεν εἰς Ἰθάκην."},
	{"armenian", "Բոլոր մարդիկ ծնվում են ազատ ու հավասար իրենց արժանապատվությամբ։"},
	{"georgian", "ყველა ადამიანი იბადება თავისუფალი და თანასწორი. ᲧᲕᲔᲚᲐ."},
	{"hebrew", "כל בני אדם נולדו בני חורין ושווים. בְּרֵאשִׁית בָּרָא אֱלֹהִים"},
	{"arabic", "يولد جميع الناس أحرارًا متساوين. بِسْمِ ٱللَّهِ ٱلرَّحْمَٰنِ ٱلرَّحِيمِ ١٢٣"},
	{"persian", "می‌خواهم کتاب‌هایم را بخوانم؛ گچ پژ ۱۲۳۴۵"},
	{"urdu", "تمام انسان آزاد اور حقوق و عزت کے اعتبار سے برابر پیدا ہوئے ہیں۔"},
	{"hindi", "सभी मनुष्यों को गौरव और अधिकारों के मामले में जन्मजात स्वतन्त्रता और समानता प्राप्त है। १२३"},
	{"bengali", "সমস্ত মানুষ স্বাধীনভাবে সমান মর্যাদা এবং অধিকার নিয়ে জন্মগ্রহণ করে। ১২৩"},
	{"tamil", "மனிதப் பிறிவியினர் சகலரும் சுதந்திரமாகவே பிறக்கின்றனர்; ௧௨௩."},
	{"telugu", "ప్రతిపత్తిస్వత్వముల విషయమున మానవులెల్లరును జన్మతః స్వతంత్రులు."},
	{"malayalam", "മനുഷ്യരെല്ലാവരും തുല്യാവകാശങ്ങളോടും സ്വാതന്ത്ര്യത്തോടുംകൂടി ജനിച്ചിട്ടുള്ളവരാണ്."},
	{"sinhala", "සියලු මනුෂ්‍යයෝ නිදහස්ව උපත ලබා ඇත."},
	{"gurmukhi", "ਸਾਰਾ ਮਨੁੱਖੀ ਪਰਿਵਾਰ ਆਪਣੀ ਮਹਿਮਾ, ਸ਼ਾਨ ਅਤੇ ਹੱਕਾਂ ਦੇ ਪੱਖੋਂ ਜਨਮ ਤੋਂ ਹੀ ਆਜ਼ਾਦ ਹੈ।"},
	{"thai", "มนุษย์ทั้งหลายเกิดมามีอิสระและเสมอภาคกันในเกียรติศักดิ์และสิทธิ ๑๒๓"},
	{"lao", "ມະນຸດທຸກຄົນເກີດມາມີກຽດສັກສີ ສິດທິ ເສລີພາບ ແລະຄວາມສະເໝີພາບເທົ່າທຽມກັນ"},
	{"khmer", "មនុស្សទាំងអស់កើតមកមានសេរីភាព និងសមភាព។"},
	{"burmese", "လူတိုင်းသည် တူညီ လွတ်လပ်သော ဂုဏ်သိက္ခာဖြင့် လည်းကောင်း၊ မွေးဖွားလာသူများ ဖြစ်သည်။"},
	{"tibetan", "འགྲོ་བ་མིའི་རིགས་རྒྱུད་ཡོངས་ལ་སྐྱེས་ཙམ་ཉིད་ནས་ཆེ་མཐོངས་དང་།"},
	{"amharic", "የሰው፡ልጅ፡ሁሉ፡ሲወለድ፡ነጻና፡በክብርና፡በመብትም፡እኩልነት፡ያለው፡ነው።"},
	{"korean", "모든 인간은 태어날 때부터 자유로우며 그 존엄과 권리에 있어 동등하다. ㅋㅋㅋ"},
	{"japanese", "すべての人間は、生まれながらにして自由であり、カタカナｶﾀｶﾅ「がぎぐ」々〆ヶ。ＡＢＣ１２３"},
	{"chinese", "人人生而自由，在尊严和权利上一律平等。他们赋有理性和良心！𠮷野家𪚥"},
	{"traditional", "人人生而自由，在尊嚴和權利上一律平等；第１２３４條。"},
	{"mongolian", "ᠬᠦᠮᠦᠨ ᠪᠦᠷ ᠲᠥᠷᠥᠵᠦ ᠮᠡᠨᠳᠡᠯᠡᠬᠦ ᠡᠷᠬᠡ ᠴᠢᠯᠥᠭᠡ ᠲᠡᠶ"},
	{"cherokee", "ᏂᎦᏓ ᎠᏂᏴᏫ ᏂᎨᎫᏓᎸᎾ ᎠᎴ ᎤᏂᏠᏱ ꭰꮒꮿꮻ"},
	{"gothic", "𐌰𐌻𐌻𐌰𐌹 𐌼𐌰𐌽𐌽𐌰 𐍆𐍂𐌴𐌹𐌾𐌰𐌹 𒀭𒈹 𓀀𓁐"},
	{"zulu", "Bonke abantu bazalwa bekhululekile; ǃKung, ʻOkina, Ɛwɔ, ŋma, ẹ̀kọ́"},
}

// kinds of text that are not prose.
var others = []text{
	{"go", "func (s *Server) Serve(l net.Listener) error {\n\tif err := s.init(); err != nil {\n\t\treturn fmt.Errorf(\"serve: %w\", err)\n\t}\n\treturn nil\n}\n"},
	{"python", "def f(x: int) -> str:\n    return f\"{x!r:>10}\" if x else '''\\n'''  # comment\n\n\nclass A(B):\n    __slots__ = ()\n"},
	{"c", "#define MAX(a,b) ((a)>(b)?(a):(b))\nint main(void){for(int i=0;i<10;++i)printf(\"%d\\n\",i);return 0;}\r\n"},
	{"json", "{\"a\":[1,2.5e-3,null,true],\"b\":{\"c\":\"\\u00e9\\\\\"}}\n"},
	{"html", "<!DOCTYPE html><p class='x'>&nbsp;&amp; <br/></p><!-- c --><script>a&&b</script>"},
	{"shell", "for f in *.txt; do echo \"$f\" | sed -e 's/\\(.*\\)/[\\1]/' >> ~/out.log 2>&1; done"},
	{"sql", "SELECT COUNT(*) AS n FROM t WHERE a<>'it''s' AND b>=10 ORDER BY 1 DESC;--x"},
	{"tex", "$$\\int_{0}^{\\infty} e^{-x^2}\\,dx = \\frac{\\sqrt{\\pi}}{2}$$ \\begin{align}a&=b\\\\\\end{align}"},
	{"markdown", "# Title\n\n* one\n* **two** `code`\n\n```go\nx := 1\n```\n\n| a | b |\n|---|---|\n"},
	{"url", "https://user:pw@example.org:8080/a/b.html?x=1&y=%20z#frag mailto:a.b+c@example.com"},
	{"diff", "@@ -1,2 +1,2 @@\n-old line\n+new line\n \n"},
	{"camel", "parseHTTPRequest XMLHttpRequest iPhone McDONALD getURLFor2ndItem snake_case kebab-case"},
	{"identifiers", "__init__ a_b_c $var @name #tag ~/.bashrc ../../x --flag=value -O2 C++17 F# .NET"},
	{"numbers", "0 1 12 123 1234 12345 123456 1234567 3.14159 1,234,567.89 -1e-10 0x1F 0b101 1_000 ½ ² Ⅷ ⑫"},
	{"digits", "٠١٢٣٤٥٦٧٨٩ ०१२३४५६७८९ ๐๑๒๓๔๕๖๗๘๙ ０１２３４５６７８９ 𝟘𝟙𝟚 一二三 ¹²³ ₁₂₃ 12٣45"},
	{"dates", "2026-11-27T02:04:59.123Z 27/11/26 12:30pm v1.27.4-rc1 192.168.0.1 +49(0)30/123-456"},
	{"math", "∀x∈ℝ: ⌈x⌉ = −⌊−x⌋, α ∧ ¬β → γ ≠ ∑ᵢ₌₁ⁿ √x ± ∞ 𝒜𝔅ℂ"},
	{"currency", "$1.00 €2,50 £3 ¥400 ₹5 ₿0.1 ¢ 50% 1‰ §5 ©2026 ®™ °C"},
	{"quotes", "“double” ‘single’ «guillemets» „low“ 'it's' \"q\" `tick` ´ ′ ″ … – — ‐ ‑"},
	{"contractions", "I'M you'RE we'Ve he'D she'lL it'S 'tis 'S's 's'd'll don’t it’s a'ſ b'ſx 'Re're'"},
	{"brackets", "((([[[{{{<<<>>>}}}]]]))) (a)[b]{c}<d> !?!?!? ....,,,, ;;;; ::: //// \\\\\\\\ |||| &&&&"},
	{"emoji", "😀😃 👍🏽 👨‍👩‍👧‍👦 🏳️‍🌈 🇩🇪🇫🇷 1️⃣ #️⃣ ❤️ ☺︎ 🏴󠁧󠁢󠁥󠁮󠁧󠁿 🧑🏿‍🚀 text🙂text 🙂 🙂"},
	{"combining", "e\u0301 a\u0308\u0304 n\u0303o Z\u0335\u0321\u034d\u0300a\u0316\u0301l\u0322\u0300g\u0315\u0301o\u0336 \u0301 x\u20dd \u0338= q\u0307\u0323 s\u0323\u0307"},
	{"compatibility", "ﬁ ﬀ ℌ Å Å Ω Ω ｶﾞ ガ ㎏ ① ⅷ ſ ẛ̣ 豈 豈 ﷺ ½ １"},
	{"jamo", "\u1112\u1161\u11ab\u1100\u1173\u11af 한글 ㅎㅏㄴ"},
	{"control", "a\x01b\x02\x1b[31mred\x1b[0m\x07\x08\x7f\u0080\u0085\u009f end\x00nul\x1f"},
	{"invisible", "a\u00adb\u200bc\u200cd\u200de\u2060f\ufeffg\u200eh\u202ei\u2066j\u061c"},
	{"bom", "\ufeffbegins with a mark"},
	{"private", "\ue000\uf8ff\U000f0000\U0010ffff\ufffe\uffff\ufffd"},
	{"unassigned", "\u0378\u0380\U0001faff\U0003fffd\U000e0001"},
	{"spaces", " a  b   c    d     e      f       g        h "},
	{"tabs", "\ta\t\tb \t c\t \td\t\n\t\te"},
	{"newlines", "a\nb\n\nc\n\n\nd\r\ne\r\n\r\nf\rg\n\r h\n \n  \n\n"},
	{"trailing", "word   \nword \t \n   word\n   \n"},
	{"unicode spaces", "a\u00a0b\u00a0\u00a0c\u2003d\u2009\u200ae\u3000f\u3000\u3000g\u2028h\u2029i\u1680j\u205fk\u000bl\u000cm"},
	{"leading newline", "\n\n  Hello"},
	{"one space", " "},
	{"one newline", "\n"},
	{"one letter", "a"},
	{"empty", ""},
	{"chatml", "<|im_start|>system\nYou are…<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n<|endoftext|>"},
	{"llama tokens", "<s>[INST] <<SYS>>\nx\n<</SYS>> y [/INST] z </s><unk><pad>"},
	{"llama3 tokens", "<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\nHi<|eot_id|><|reserved_special_token_0|> <|eom_id|><|python_tag|>"},
	{"gemma tokens", "<bos><start_of_turn>user\nHi<end_of_turn>\n<start_of_turn>model\n<eos><unused0><mask>[multimodal]<start_of_image>"},
	{"deepseek tokens", "<｜begin▁of▁sentence｜>x<｜User｜>Hi<｜Assistant｜>yo<｜end▁of▁sentence｜><think>\n</think><｜fim▁hole｜><｜tool▁calls▁begin｜>"},
	{"harmony tokens", "<|start|>assistant<|channel|>analysis<|message|>x<|end|><|return|><|call|><|constrain|>json<|startoftext|><|endofprompt|>"},
	{"tool tokens", "<tool_call>\n{\"name\":\"f\"}\n</tool_call><think></think><|fim_prefix|><|fim_suffix|><|fim_middle|><|vision_start|>"},
	{"not quite tokens", "<|im_start|<|im_end|>> <|im_start |> <| im_start|> <|IM_START|> <|im_start< s> </s <s/> [INST <|eot_id <0x0A> <0x41> [PAD151700] <unused>"},
	{"tokens and spaces", "  <|im_end|>  \n <s> \t</s>\n\n<bos> a <eos> <|eot_id|> <|end|> <EOT> x"},
	{"markers", "▁ ▁▁ a▁b ▁a Ġ Ġa Ċ ĉ Âł <0xE2><0x96><0x81> \u2581\u2581\u2581x"},
	{"html tags", "<b><i></i></b><table><tr><td>1</td></tr></table><h1>T</h1><a href=x>y</a><code>z</code><sup>2</sup>"},
	{"newline tokens", "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n x"},
	{"tab tokens", strings.Repeat("\t", 40) + "x"},
}

// runs are characters that are repeated: many tokenizers have tokens for some
// of the lengths, and the ends of the run matter.
var runs = []string{
	"a", "A", "aA", "ab", "z", " ", "\n", "\t", " \n", "\r\n", "!", "=", "-", ".", "#", "*", "_", "/", "1", "12", "0",
	"é", "ß", "я", "中", "あ", "ก", "한", "ا", "न", "\u0301", "e\u0301", "😀", "\u00a0", "\u3000", "\u200b", "\x01", "'s", "▁", "Ġ",
}

var lengths = []int{2, 3, 4, 5, 7, 8, 15, 16, 17, 31, 64, 100, 255, 1000, 2000, 12_000}

// allTexts returns what every tokenizer is asked, in order. The names do not
// depend on the machine.
func allTexts() []text {
	all := append([]text{}, others...)
	for _, w := range writing {
		all = append(all, w,
			text{w.name + "/decomposed", norm.NFD.String(w.content)},
			text{w.name + "/upper", strings.ToUpper(w.content)},
			text{w.name + "/spaced", "  " + strings.ReplaceAll(w.content, " ", "  ") + "\n\n"},
			text{w.name + "/numbered", "12" + strings.ReplaceAll(w.content, " ", "_3 'S\t")})
	}
	for _, r := range runs {
		for _, n := range lengths {
			all = append(all, text{fmt.Sprintf("run/%+q/%d", r, n), strings.Repeat(r, n)})
		}
		all = append(all, text{fmt.Sprintf("run/%+q/between", r), "x" + strings.Repeat(r, 9) + "x " + strings.Repeat(r, 10) + " x"})
	}
	all = append(all, text{"prose/lines", prose("\n")}, text{"prose/spaces", prose(" ")}, text{"prose/nothing", prose("")})
	return append(all, mixtures()...)
}

// prose returns all writing twice, long enough to be tokenized in parts.
func prose(between string) string {
	var all []string
	for range 2 {
		for _, w := range writing {
			all = append(all, w.content)
		}
	}
	return strings.Join(all, between)
}

// mixtures cuts pieces out of the others and puts them together.
func mixtures() []text {
	const count, seed = 400, 20261
	random := rand.New(rand.NewPCG(seed, 1))
	sources := append(append([]text{}, writing...), others...)
	var all []text
	for i := range count {
		var mixed strings.Builder
		for range 1 + random.IntN(30) {
			source := []rune(sources[random.IntN(len(sources))].content)
			if len(source) == 0 {
				continue
			}
			from := random.IntN(len(source))
			mixed.WriteString(string(source[from:min(len(source), from+1+random.IntN(6))]))
		}
		all = append(all, text{fmt.Sprintf("mixture/%d", i), mixed.String()})
	}
	return all
}
