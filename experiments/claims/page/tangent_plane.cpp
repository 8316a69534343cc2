#include "experiments/claims/page/parts.h"

namespace tangentplane::experiments {

std::string tangent_plane() {
  // Lines and texts take the page's colour; the two models have those of the figures.
  return R"svg(<svg class="drawing" role="img" viewBox="0 0 480 256" xmlns="http://www.w3.org/2000/svg" font-family="sans-serif" font-size="13" fill="none" stroke="currentColor" stroke-width="1.3" stroke-linecap="round">
<title>The tangent plane: the weights on the left are mapped to functions on the right, where a plane touches the network's curved surface at the initial weights</title>
<g>
<path d="M22 214V74M22 214H140"/><path d="M18 81L22 73L26 81M133 210L141 214L133 218"/>
<path d="M52 184C66 160 74 150 92 142C104 136 112 122 116 102" stroke="#7F7F7F" stroke-width="2"/>
<circle cx="52" cy="184" r="4" fill="currentColor"/><circle cx="116" cy="102" r="4" fill="#7F7F7F" stroke="#7F7F7F"/>
</g>
<g fill="currentColor" stroke="none">
<text x="81" y="24" text-anchor="middle" font-weight="600">weights</text>
<text x="60" y="200">initial</text><text x="108" y="92" text-anchor="middle">trained</text>
<text x="330" y="24" text-anchor="middle" font-weight="600">functions</text>
</g>
<path d="M150 150C162 140 174 140 188 150" stroke-width="1.6"/><path d="M179 147L189 151L184 141"/>
<text x="169" y="132" text-anchor="middle" fill="currentColor" stroke="none" font-style="italic">f</text>
<path d="M204 214C218 160 246 128 284 120C336 110 404 122 466 168C446 186 428 208 416 238C352 194 278 188 204 214Z" fill="#0072B2" fill-opacity=".16" stroke="#0072B2"/>
<path d="M243 149C310 136 374 154 432 204M250 204C262 166 290 138 326 116M332 205C340 172 362 144 396 128" stroke="#0072B2" stroke-width=".8" stroke-opacity=".7"/>
<path d="M212 150L330 84L446 112L330 186Z" fill="#D55E00" fill-opacity=".14" stroke="#D55E00"/>
<path d="M300 140C326 134 356 142 384 160C398 169 408 180 414 194" stroke="#0072B2" stroke-width="2.6"/><path d="M405 188L415 196L417 184" stroke="#0072B2" stroke-width="2"/>
<path d="M300 140L398 108" stroke="#D55E00" stroke-width="2.6"/><path d="M388 105L399 108L392 116" stroke="#D55E00" stroke-width="2"/>
<circle cx="300" cy="140" r="4.5" fill="currentColor"/>
<g fill="currentColor" stroke="none">
<text x="294" y="158" text-anchor="end">start</text>
<text x="412" y="72" text-anchor="middle">linearization,</text><text x="412" y="87" text-anchor="middle">in the plane</text>
<text x="310" y="232" text-anchor="middle">network,</text><text x="310" y="247" text-anchor="middle">on its surface</text>
</g>
</svg>)svg";
}

}  // namespace tangentplane::experiments
