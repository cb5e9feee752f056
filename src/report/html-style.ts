/** The style sheet of the HTML report. Segment colours differ in lightness as well, for readers who see fewer hues. */
export const styleSheet = `
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--ink:#1a1d21;--soft:#5b636e;--line:#e1e4e8;--grid:#edeff2;
--pass:#1a7f37;--fail:#cf222e;--inconclusive:#9a6700;--invalid:#8250df;
--committed:#1f6feb;--reference:#57606a;--best:#1a7f37;--other:#b4bcc6;
--s0:#e07b39;--s1:#2ba8a0;--s2:#2f6fd0;--s3:#d9a514;--s4:#a7afba}
@media(prefers-color-scheme:dark){:root{--page:#0f1216;--card:#171b21;--ink:#e6e9ee;--soft:#9aa4b1;--line:#2b313a;--grid:#232830;
--pass:#3fb950;--fail:#ff7b72;--inconclusive:#d9a514;--invalid:#bc8cff;
--committed:#58a6ff;--reference:#9aa4b1;--best:#3fb950;--other:#4a525d;
--s0:#e58a4f;--s1:#2fb3a9;--s2:#4c8ce6;--s3:#dcb036;--s4:#6b7480}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1160px;margin:0 auto;padding:24px 16px 64px}
h1{font-size:26px;line-height:1.25;margin:0 0 6px}h2{font-size:19px;margin:36px 0 10px}h3{font-size:16px;margin:22px 0 6px}
p{margin:6px 0}code,pre{font:13px/1.5 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace}code{overflow-wrap:break-word}h2 code{font-size:inherit}a{color:var(--committed)}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px 18px;margin:12px 0}
.verdict{border-left:6px solid var(--tone)}.verdict h1{color:var(--tone)}.lead{font-size:17px}
.pass{--tone:var(--pass)}.fail{--tone:var(--fail)}.inconclusive{--tone:var(--inconclusive)}.invalid{--tone:var(--invalid)}.info{--tone:var(--ink)}.accepted{--tone:var(--inconclusive)}
.soft,.legend,figcaption{color:var(--soft);font-size:13px}
.reasons{list-style:none;margin:0;padding:0}.reasons li{padding:10px 0;border-top:1px solid var(--line)}.reasons li:first-child{border-top:0;padding-top:0}.reasons li:last-child{padding-bottom:0}
.next{color:var(--soft)}
.scroll{overflow-x:auto;margin:8px 0}
table{border-collapse:collapse;width:100%;font-size:14px;font-variant-numeric:tabular-nums}
th{font-weight:600;color:var(--soft);font-size:13px;text-align:left;vertical-align:bottom}
th,td{padding:6px 9px;border-bottom:1px solid var(--line);white-space:nowrap}
td.wrap{white-space:normal;min-width:14em}th.num,td.num{text-align:right}
td code{display:inline-block;max-width:26em;white-space:normal}
tr.emphasis td{font-weight:600}tr:last-child td{border-bottom:0}
tr.fail td,tr.invalid td{background:color-mix(in srgb,var(--tone) 8%,transparent)}
.status{color:var(--tone);font-weight:600}
sup{line-height:0;font-size:11px}
details{margin:10px 0}summary{cursor:pointer;font-weight:600}
pre{background:var(--page);border:1px solid var(--line);border-radius:8px;padding:10px 12px;overflow-x:auto;margin:8px 0}
.add{color:var(--pass)}.del{color:var(--fail)}
figure{margin:12px 0}svg{display:block;font:12px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;max-width:none}svg.wide{width:100%;min-width:700px;height:auto}svg.fitted{max-width:100%;height:auto}
.icon{display:inline-block;font-size:inherit;width:.95em;height:.95em;vertical-align:-.1em;color:var(--tone)}.icon circle{fill:currentColor}.icon path{fill:none;stroke:var(--card);stroke-width:2;stroke-linecap:round;stroke-linejoin:round}
.card>:first-child,.card>figure:first-child h3{margin-top:0}
.plots{display:flex;flex-wrap:wrap;gap:8px 24px}.plots figure{margin:4px 0;max-width:100%}.plots figcaption{font-weight:600;max-width:500px;overflow-wrap:anywhere}
.key{display:flex;flex-wrap:wrap;gap:2px 16px;margin:4px 0;padding:0;list-style:none;color:var(--soft);font-size:13px}
.key svg{display:inline-block;vertical-align:-1px;margin-right:6px}
dl{display:grid;grid-template-columns:max-content 1fr;gap:4px 16px;margin:0}dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
.grid{stroke:var(--grid)}.axis{stroke:var(--line)}.tick,.axis-title{fill:var(--soft)}.strong{font-weight:600}.value{fill:var(--ink)}
.curve{--hue:var(--other)}.curve.committed,.rep.committed,.point-label.committed{--hue:var(--committed)}.curve.reference,.rep.reference,.point-label.reference{--hue:var(--reference)}.curve.best,.point-label.best{--hue:var(--best)}
.curve polyline{fill:none;stroke:var(--hue);stroke-width:1.25}.curve.committed polyline,.curve.best polyline{stroke-width:2.5}.curve.reference polyline{stroke-width:2;stroke-dasharray:2 4;stroke-linecap:round}
.dot{fill:var(--hue);stroke:var(--card);stroke-width:1.5}.star{fill:var(--best);stroke:var(--card);stroke-width:1.5}
.curve.reference .dot{fill:var(--card);stroke:var(--hue)}
.point-label{fill:var(--hue)}.budget{stroke:var(--fail);stroke-width:1.5;stroke-dasharray:7 5}.budget-label{fill:var(--fail)}
.rep{fill:var(--hue);fill-opacity:.65}.rep.reference{fill:none;stroke:var(--hue);stroke-width:1.75}.rep.void{fill:none;stroke:var(--fail);stroke-dasharray:2 2;stroke-width:1.5}
.s0{fill:var(--s0)}.s1{fill:var(--s1)}.s2{fill:var(--s2)}.s3{fill:var(--s3)}.s4{fill:var(--s4)}
@media(max-width:600px){h1{font-size:22px}.card{padding:12px}main{padding:12px 8px 48px}dl{grid-template-columns:1fr}dt{margin-top:6px}}
@media print{body{background:#fff}.card{break-inside:avoid}}
`
