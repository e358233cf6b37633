"""The mailings of the sample: what was sent in the past months, and a draft that is ready to send."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from html import escape


@dataclass(frozen=True)
class Product:
    """A thing on offer in a letter."""

    name: str
    price: str
    words: str
    url: str


@dataclass(frozen=True)
class Letter:
    """One mailing in one language; ``age`` is how long before now it was sent."""

    name: str
    subject: str
    preheader: str
    title: str
    opening: str
    products: tuple[Product, ...]
    button: str
    url: str
    language: str
    offers: bool = False
    age: timedelta = timedelta()

    def mjml(self, colour: str) -> str:
        """Return the design in a brand's colour."""
        greeting = (
            'Bonjour {{ contact.first_name | default: "à vous" }},'
            if self.language == "fr"
            else 'Hello {{ contact.first_name | default: "there" }},'
        )
        leave, choose, browser = (
            ("Se désinscrire", "Mes préférences", "Lire dans le navigateur")
            if self.language == "fr"
            else ("Unsubscribe", "My preferences", "Read in the browser")
        )
        return f"""<mjml lang="{self.language}">
  <mj-head>
    <mj-title>{escape(self.title)}</mj-title>
    <mj-attributes>
      <mj-all font-family="Georgia, 'Times New Roman', serif" />
      <mj-text font-size="16px" line-height="26px" color="#2b2b2b" />
      <mj-class name="small" font-size="12px" line-height="18px" color="#6b6b6b" />
    </mj-attributes>
  </mj-head>
  <mj-body background-color="#f6f3ee" width="600px">
    <mj-section padding="24px 0 8px">
      <mj-column>
        <mj-text align="center" mj-class="small">\
<a href="{{{{ view_url }}}}" style="color:#6b6b6b">{browser}</a></mj-text>
      </mj-column>
    </mj-section>
    <mj-section background-color="{colour}" border-radius="8px 8px 0 0" padding="28px 0">
      <mj-column>
        <mj-text align="center" color="#ffffff" font-size="13px" letter-spacing="3px">{{{{ brand.name }}}}</mj-text>
        <mj-text align="center" color="#ffffff" font-size="28px" line-height="36px">{escape(self.title)}</mj-text>
      </mj-column>
    </mj-section>
    <mj-section background-color="#ffffff" padding="24px 16px 0">
      <mj-column>
        <mj-text>{greeting}</mj-text>
        <mj-text>{escape(self.opening)}</mj-text>
      </mj-column>
    </mj-section>
    <mj-section background-color="#ffffff" padding="8px 16px">
{"".join(self._card(product, colour) for product in self.products)}    </mj-section>
    <mj-section background-color="#ffffff" border-radius="0 0 8px 8px" padding="8px 16px 32px">
      <mj-column>
        <mj-button href="{escape(self.url)}" background-color="{colour}" border-radius="6px" font-size="16px">\
{escape(self.button)}</mj-button>
      </mj-column>
    </mj-section>
    <mj-section padding="16px 16px 32px">
      <mj-column>
        <mj-text align="center" mj-class="small">{{{{ why }}}}</mj-text>
        <mj-text align="center" mj-class="small">{{{{ brand.name }}}}, {{{{ postal_address }}}}</mj-text>
        <mj-text align="center" mj-class="small">
          <a href="{{{{ unsubscribe_url }}}}" style="color:#6b6b6b">{leave}</a> ·
          <a href="{{{{ preferences_url }}}}" style="color:#6b6b6b">{choose}</a>
        </mj-text>
      </mj-column>
    </mj-section>
  </mj-body>
</mjml>
"""

    @staticmethod
    def _card(product: Product, colour: str) -> str:
        return f"""      <mj-column padding="4px">
        <mj-text font-size="18px" line-height="24px" padding-bottom="0">\
<a href="{escape(product.url)}" style="color:{colour};text-decoration:none">{escape(product.name)}</a></mj-text>
        <mj-text mj-class="small" padding-top="4px">{escape(product.words)}</mj-text>
        <mj-text font-size="15px" padding-top="0"><b>{escape(product.price)}</b></mj-text>
      </mj-column>
"""


_L, _F = "https://www.loriot.example", "https://www.finch.example"

PAST = (
    Letter(
        "Carnet de septembre",
        "Les premiers thés d'automne sont arrivés",
        "Trois récoltes, une recette et une date à retenir",
        "Les thés d'automne",
        "Les caisses sont arrivées du Népal la semaine dernière et l'atelier sent déjà la châtaigne. Voici ce que nous "
        "buvons en ce moment, et pourquoi.",
        (
            Product("Ilam d'automne", "14,50 €", "Un thé noir ample, châtaigne et miel.", f"{_L}/the/ilam"),
            Product("Bol Tsuki", "32,00 €", "Grès émaillé, tourné à Dieulefit.", f"{_L}/table/bol-tsuki"),
        ),
        "Voir la sélection",
        f"{_L}/automne",
        "fr",
        age=timedelta(days=71, hours=1),
    ),
    Letter(
        "The Finch letter, September",
        "Your autumn cup, and how long to brew it",
        "Two teas, one kettle, no rules",
        "Autumn in a cup",
        "The evenings draw in, and the kettle works harder. Two teas that forgive you when you forget "
        "them on the table.",
        (
            Product("Malty Assam", "£9.80", "Takes milk, takes its time.", f"{_F}/tea/malty-assam"),
            Product("Stovetop kettle", "£46.00", "Whistles in G.", f"{_F}/kettle"),
        ),
        "Shop the autumn shelf",
        f"{_F}/autumn",
        "en",
        age=timedelta(days=64, hours=3),
    ),
    Letter(
        "Vente privée de novembre",
        "Vente privée : −20 % sur la vaisselle jusqu'à dimanche",
        "Réservée aux personnes inscrites aux ventes privées",
        "Quatre jours entre nous",
        "Jusqu'à dimanche soir, toute la vaisselle de l'atelier est à −20 %, pour vous seulement. Le prix remisé "
        "s'affiche dans le panier.",
        (
            Product("Service Brume, 6 pièces", "89,00 €", "Porcelaine bleu-gris.", f"{_L}/table/brume"),
            Product("Théière Corbeau", "54,00 €", "Fonte, 0,8 litre.", f"{_L}/table/corbeau"),
        ),
        "Ouvrir la vente",
        f"{_L}/vente-privee",
        "fr",
        offers=True,
        age=timedelta(days=17, hours=2),
    ),
    Letter(
        "Carnet de novembre",
        "Rencontre : Asha, qui cueille notre thé",
        "Et une recette de pain d'épices au lapsang",
        "Asha, à 1 800 mètres",
        "Elle se lève à quatre heures et choisit chaque feuille à la main. Nous l'avons suivie une matinée "
        "à Jun Chiyabari.",
        (
            Product("Jun Chiyabari", "19,00 €", "Seconde récolte : rose et muscat.", f"{_L}/the/jun-chiyabari"),
            Product("Lapsang doux", "12,00 €", "Pour le pain d'épices, ou pour lui-même.", f"{_L}/the/lapsang"),
        ),
        "Lire la rencontre",
        f"{_L}/carnet/asha",
        "fr",
        age=timedelta(days=11, hours=1),
    ),
    Letter(
        "The Finch letter, November",
        "A coffee that tastes of marmalade",
        "And where the beans went in spring",
        "Small lot, big morning",
        "Forty bags from a hillside in Huehuetenango, roasted on Tuesday. When they are gone, they are gone.",
        (
            Product("Huehue, small lot", "£12.40", "Orange peel, brown sugar.", f"{_F}/coffee/huehue"),
            Product("Hand grinder", "£58.00", "Steel burrs, quiet at six.", f"{_F}/grinder"),
        ),
        "Reserve a bag",
        f"{_F}/coffee/huehue",
        "en",
        age=timedelta(days=9, hours=4),
    ),
)

DRAFT = Letter(
    "Carnet de décembre",
    '{{ contact.first_name | default: "Bonjour" }}, le calendrier de l\'Avent est là',
    "Vingt-quatre thés, un par jour",
    "Vingt-quatre matins",
    "Vingt-quatre sachets cousus à l'atelier, vingt-quatre récoltes : le calendrier de l'Avent part lundi, et il "
    "n'y en aura pas d'autre cette année.",
    (
        Product("Calendrier de l'Avent", "39,00 €", "24 sachets, 24 récoltes.", f"{_L}/avent"),
        Product("Thé de Noël", "11,50 €", "Écorces d'orange, cannelle, clou de girofle.", f"{_L}/the/noel"),
    ),
    "Réserver le mien",
    f"{_L}/avent",
    "fr",
)

DRAFT_IN_ENGLISH = Letter(
    DRAFT.name,
    '{{ contact.first_name | default: "Hello" }}, the advent calendar is here',
    "Twenty-four teas, one a day",
    "Twenty-four mornings",
    "Twenty-four sachets sewn in our workshop, twenty-four harvests: the advent calendar leaves on Monday, and there "
    "will be no second batch this year.",
    (
        Product("Advent calendar", "€39.00", "24 sachets, 24 harvests.", f"{_L}/avent"),
        Product("Christmas tea", "€11.50", "Orange peel, cinnamon, cloves.", f"{_L}/the/noel"),
    ),
    "Reserve mine",
    f"{_L}/avent",
    "en",
)
